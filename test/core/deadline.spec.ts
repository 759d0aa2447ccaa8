import { setTimeout as sleep } from 'node:timers/promises';
import {
  PLATFORMS,
  startApp,
  type AppSettings,
  type TestOptions,
} from '../support/app.js';
import { CONNECTIONS } from '../support/connections.js';
import { useEmulator } from '../support/emulator.js';
import { SignInGuard } from '../support/guards.js';
import { readResponse, requestToken } from '../support/http.js';

const pica = useEmulator({ integrations: 20 });
const TIMEOUT = 1_200;
/** Less than twice the timeout, whatever a busy machine adds. */
const BOUND = 1.75 * TIMEOUT;

const never = () => new Promise<never>(() => {});

describe.each(PLATFORMS)('on %s', (platform) => {
  const start = (options: TestOptions, settings: AppSettings = {}) =>
    startApp({
      pica,
      platform,
      options: { timeout: TIMEOUT, attemptTimeout: 10_000, ...options },
      controller: { guards: [SignInGuard], connections: true },
      ...settings,
    });

  /** The status and the reason of a response, and how long it took. */
  const outcome = async (
    response: Promise<{ status: number; body: unknown }>,
  ) => {
    const started = performance.now();
    const { status, body } = await response;
    const { reason } = body as { reason?: string };
    return { status, reason, duration: performance.now() - started };
  };
  const get = async (url: string, path: string) =>
    readResponse(
      await fetch(`${url}/authkit-connections${path}`, {
        headers: { authorization: 'Bearer ada' },
      }),
    );

  it.each<[string, TestOptions]>([
    ['the identity extractor', { identity: never }],
    ['the secretKey function', { secretKey: never }],
    ['the connection function', { connection: never }],
  ])(
    'a token is answered with 504 when %s never resolves',
    async (_name, options) => {
      const { tokenUrl } = await start(options);
      const { duration, ...rest } = await outcome(requestToken(tokenUrl));
      expect(rest).toEqual({ status: 504, reason: 'timed_out' });
      expect(duration).toBeGreaterThan(TIMEOUT - 50);
      expect(duration).toBeLessThan(BOUND);
    },
  );

  it('a slow identity extractor and an upstream that hangs share one deadline in the token route', async () => {
    const { tokenUrl } = await start({
      identity: async () => {
        await sleep(0.75 * TIMEOUT);
        return 'ada';
      },
    });
    pica.fault({ hang: true });
    const { duration, ...rest } = await outcome(requestToken(tokenUrl));
    expect(rest).toEqual({ status: 504, reason: 'timed_out' });
    expect(duration).toBeLessThan(1.6 * TIMEOUT);
  });

  it.each(['', '/c0ffee00-0000-4000-8000-000000000000'])(
    'a slow identity extractor and an upstream that hangs share one deadline in GET /authkit-connections%s',
    async (path) => {
      const { url } = await start({
        identity: async () => {
          await sleep(0.75 * TIMEOUT);
          return 'ada';
        },
      });
      pica.fault({ hang: true });
      const { duration, ...rest } = await outcome(get(url, path));
      expect(rest).toEqual({ status: 504, reason: 'timed_out' });
      expect(duration).toBeLessThan(1.6 * TIMEOUT);
    },
  );

  it('all calls of a confirmation share one deadline, which ends 2 s after `timeout`', async () => {
    const old = pica.connect('ada', 'gmail');
    pica.breakConnection(old.id);
    const { key } = pica.connect('ada', 'gmail');
    const { url } = await start({ onConnected: () => {} });
    pica.fault({ path: CONNECTIONS, method: 'GET', delay: 1_000 });
    pica.fault({ method: 'DELETE', hang: true });
    const started = performance.now();
    const response = await fetch(`${url}/authkit-connections`, {
      method: 'POST',
      headers: {
        authorization: 'Bearer ada',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ key, replaces: old.id }),
    });
    expect(response.status).toBe(504);
    // Two lists of 1 s, and the call that hangs.
    expect(performance.now() - started).toBeLessThan(2_000 + 1.4 * TIMEOUT);
  });
});
