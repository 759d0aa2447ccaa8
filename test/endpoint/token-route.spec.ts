import { once } from 'node:events';
import { connect } from 'node:net';
import { LIMITS } from '../../lib/options/limits.js';
import { PLATFORMS, startApp, type Platform } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';

const pica = useEmulator();

/** Of a token of two pages: more than the buffers of the system hold. */
const TOKEN_BYTES = 7_000_000;
const ROW = JSON.stringify({ guide: 'x'.repeat(TOKEN_BYTES / 2) });

const start = (platform: Platform, tokens: number, timeout: number) => {
  for (const page of [1, 2]) {
    const counts = `"total":2,"pages":2,"page":${page}`;
    const body = Buffer.from(`{"rows":[${ROW}],${counts}}`);
    pica.fault({ method: 'POST', page, body });
  }
  return startApp({
    pica,
    platform,
    options: {
      [LIMITS]: { maxBytesInFlight: tokens * TOKEN_BYTES },
      timeout,
      attemptTimeout: 10_000,
      cache: { flags: false },
    },
  });
};

/** Requests a token, and reads no more than its beginning. */
async function readBeginning(tokenUrl: string): Promise<string> {
  const { hostname, port, pathname, host } = new URL(tokenUrl);
  const socket = connect(Number(port), hostname);
  afterTest(() => socket.destroy());
  socket.on('error', () => {});
  const head = `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ada`;
  socket.write(`${head}\r\nContent-Length: 0\r\n\r\n`);
  await once(socket, 'readable');
  return String(socket.read(12)).slice(-3);
}

describe('the token route', () => {
  it('counts in the budget what 40 readers do not read, and disconnects them after `timeout` without progress, on every platform', async () => {
    const outcomes = PLATFORMS.map(async (platform) => {
      const { tokenUrl } = await start(platform, 3.5, 2_500);
      const statuses: string[] = [];
      for (let count = 0; count < 40; count += 1) {
        statuses.push(await readBeginning(tokenUrl));
      }
      // Without an end of theirs there would never be room.
      let next: number;
      do next = (await requestToken(tokenUrl)).status;
      while (next === 503);
      return [...new Set([...statuses, String(next)])].sort();
    });
    for (const outcome of await Promise.all(outcomes)) {
      expect(outcome).toEqual(expect.arrayContaining(['200', '503']));
    }
  }, 60_000);

  it.each(PLATFORMS)(
    'gives the bytes of each token back over one kept-alive connection, on %s',
    async (platform) => {
      const { tokenUrl } = await start(platform, 1.5, 10_000);
      for (let count = 0; count < 10; count += 1) {
        expect((await requestToken(tokenUrl)).status).toBe(200);
      }
    },
    40_000,
  );
});
