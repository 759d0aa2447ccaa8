import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { AuthKitException } from '../../lib/index.js';
import { createTokenService, startApp } from '../support/app.js';
import { CERTIFICATE, CERTIFICATE_KEY } from '../support/certificate.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';
import { mockBackoff } from '../support/mocks.js';

const pica = useEmulator({ integrations: 20 });
const ADA = { identity: 'ada' };
const PAGES = '/v1/authkit';

/** The requests for pages. */
const pageRequests = () => pica.requests.filter(({ path }) => path === PAGES);

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error as AuthKitException,
  );

describe('the first retry', () => {
  // 16 times the longest delays: 0.8 s after a connection error, 3.2 s elsewhere.
  const SHARE = 16;
  const OPTIONS = { timeout: 2_500, retries: 2 };

  it('comes quickly after a connection error', async () => {
    const tokens = await createTokenService(pica, OPTIONS);
    mockBackoff(SHARE);
    const fault = pica.fault({ path: PAGES, times: 1, reset: true });
    expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
    expect(fault.hits).toBe(1);
  });

  it('comes after the usual delay when the service responds with 503', async () => {
    const tokens = await createTokenService(pica, OPTIONS);
    mockBackoff(SHARE);
    pica.fault({ path: PAGES, times: 1, status: 503 });
    const failure = await failureOf(tokens.create(ADA));
    expect([failure?.reason, failure?.attempts]).toEqual(['unavailable', 1]);
  });
});

it('the second retry comes after the usual delay, also after connection errors', async () => {
  const tokens = await createTokenService(pica, { timeout: 2_500, retries: 2 });
  mockBackoff(16);
  pica.fault({ path: PAGES, reset: true });
  const failure = await failureOf(tokens.create(ADA));
  expect([failure?.reason, failure?.attempts]).toEqual(['unavailable', 2]);
});

it('a failed call is retried three times by default', async () => {
  const tokens = await createTokenService(pica);
  mockBackoff(0);
  pica.fault({ path: PAGES, times: 3, status: 503 });
  expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
  expect(pageRequests()).toHaveLength(4);
});

it('a call is not retried when the certificate of the server is not trusted', async () => {
  let connections = 0;
  const server = createServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterTest(() => server.close());
  const { port } = server.address() as AddressInfo;
  const upstream = { ...pica, url: `https://127.0.0.1:${port}` };
  const tokens = await createTokenService(
    { ...upstream, secretKey: pica.secretKey, vendor: pica.vendor },
    { timeout: 5_000 },
  );
  mockBackoff(0);
  const failure = await failureOf(tokens.create(ADA, { page: 1 }));
  expect(failure).toMatchObject({
    reason: 'unavailable',
    upstreamCode: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    attempts: 1,
  });
  // One for the flags, and one for the page.
  expect(connections).toBeLessThanOrEqual(2);
});

describe('x-pica-rate-limit-reset', () => {
  const retryAfter = async (
    headers: Record<string, string>,
    status = 429,
  ): Promise<string | null> => {
    const { tokenUrl } = await startApp({ pica, options: { retries: 0 } });
    pica.fault({ path: PAGES, status, headers });
    const response = await requestToken(tokenUrl);
    return response.headers.get('retry-after');
  };
  const RESET = 'x-pica-rate-limit-reset';
  const inSeconds = (seconds: number) =>
    String(Math.floor(Date.now() / 1_000) + seconds);

  it.each<[string, string, string]>([
    ['a number of seconds', '25', '25'],
    ['0', '0', '0'],
    ['a day, which is capped at an hour', '86400', '3600'],
    ['a time that has passed', inSeconds(-60), '0'],
    ['a time far in the future, which is capped', inSeconds(9_000), '3600'],
    ['no number, which is ignored', 'soon', '1'],
    ['a negative number, which is ignored', '-5', '1'],
    ['a fraction, which is ignored', '2.5', '1'],
    ['a number beyond all times, which is ignored', '9'.repeat(20), '1'],
  ])(
    'tells the browser when to come back: %s',
    async (_name, value, expected) => {
      expect(await retryAfter({ [RESET]: value })).toBe(expected);
    },
  );

  it('may be a Unix time', async () => {
    const seconds = Number(await retryAfter({ [RESET]: inSeconds(100) }));
    expect(seconds).toBeGreaterThan(80);
    expect(seconds).toBeLessThanOrEqual(100);
  });

  it('gives way to Retry-After', async () => {
    const headers = { [RESET]: '25', 'retry-after': '30' };
    expect(await retryAfter(headers)).toBe('30');
  });

  it('is ignored where the status is not 429', async () => {
    expect(await retryAfter({ [RESET]: '25' }, 503)).toBeNull();
  });
});
