import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { LIMITS } from '../../lib/options/limits.js';
import { PLATFORMS, startApp, type Platform } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';

const pica = useEmulator();

/** More than the buffers of the system hold. */
const TOKEN_BYTES = 7_000_000;
beforeEach(() => {
  pica.integrations = [1, 2].map((id) => ({
    id,
    guide: 'x'.repeat(TOKEN_BYTES / 2),
  }));
});

const start = (platform: Platform, tokens: number, timeout: number) =>
  startApp({
    pica,
    platform,
    options: {
      [LIMITS]: { pageSize: 1, maxBytesInFlight: tokens * TOKEN_BYTES },
      timeout,
      attemptTimeout: 10_000,
      retries: 0,
      cache: { flags: false },
    },
  });

/** Requests a token and reads nothing of it. */
async function requestWithoutReading(tokenUrl: string): Promise<Socket> {
  const { hostname, port, pathname, host } = new URL(tokenUrl);
  const socket = connect(Number(port), hostname);
  socket.pause();
  socket.on('error', () => {});
  afterTest(() => socket.destroy());
  await once(socket, 'connect');
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ada\r\nContent-Length: 0\r\n\r\n`,
  );
  return socket;
}

describe.each(PLATFORMS)('the token route on %s', (platform) => {
  it('counts what readers do not read in the budget, and disconnects them after `timeout` without progress', async () => {
    const { app, tokenUrl } = await start(platform, 3.5, 2_000);
    const connections = () =>
      new Promise<number>((resolve) =>
        app
          .getHttpServer()
          .getConnections((_: unknown, count: number) => resolve(count)),
      );
    await Promise.all(
      Array.from({ length: 40 }, () => requestWithoutReading(tokenUrl)),
    );
    let response: Awaited<ReturnType<typeof requestToken>>;
    do response = await requestToken(tokenUrl);
    while (response.status === 200);
    expect([response.status, response.body.reason]).toEqual([
      503,
      'rate_limited',
    ]);
    do response = await requestToken(tokenUrl);
    while (response.status === 503);
    expect(response.status).toBe(200);
    // Those whose response was short enough have it, in the buffers of the system.
    expect(await connections()).toBeGreaterThan(0);
  }, 40_000);

  it('gives the budget back for each token over one kept-alive connection', async () => {
    const { tokenUrl } = await start(platform, 1.5, 10_000);
    for (let count = 0; count < 10; count += 1) {
      expect((await requestToken(tokenUrl)).status).toBe(200);
    }
  }, 40_000);
});
