import {
  AuthKitTokenService,
  getAuthKitProviderToken,
} from '../../lib/index.js';
import {
  createApp,
  createTokenService,
  OFFICIAL_REQUESTS,
  PLATFORMS,
  reasonOf,
  register,
  startApp,
} from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';
import { mockBackoff } from '../support/mocks.js';
import { until } from '../support/until.js';

const ADA = { identity: 'ada' };

/** Options with which no request ends by itself. */
const PATIENT = {
  ...OFFICIAL_REQUESTS,
  timeout: 60_000,
  attemptTimeout: 60_000,
};

const pica = useEmulator({ integrations: 1000 });

const timers = () =>
  process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describe('a token that is cancelled', () => {
  it('closes its requests and leaves no timer when the caller aborts', async () => {
    const tokens = await createTokenService(pica, PATIENT);
    const before = timers();
    pica.fault({ hang: true });
    const caller = new AbortController();
    const token = reasonOf(tokens.create(ADA, { signal: caller.signal }));
    // The flags and two pages.
    await until(() => pica.requests.length === 3);
    caller.abort();
    expect(await token).toBe('cancelled');
    await until(() => pica.requests.every(({ aborted }) => aborted));
    await until(() => timers() <= before);
  });

  it('does not wait for its next attempt when the caller aborts during a backoff', async () => {
    const tokens = await createTokenService(pica, { cache: { flags: false } });
    mockBackoff(1);
    const before = timers();
    pica.fault({ status: 503 });
    const caller = new AbortController();
    const token = reasonOf(tokens.create(ADA, { signal: caller.signal }));
    const pages = () => pica.requests.filter(({ method }) => method === 'POST');
    await until(
      () => pages().filter(({ status }) => status === 503).length === 2,
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    caller.abort();
    expect(await token).toBe('cancelled');
    await until(() => timers() <= before);
    expect(pages()).toHaveLength(2);
  });
});

describe('a token of ten pages', () => {
  it.each([
    // And the second one, at once.
    ['the first page', 1, 2],
    ['a page in the middle', 5, 10],
    ['the last page', 10, 10],
  ])(
    'closes its other requests when %s fails without a retry',
    async (_name, page, requestedPages) => {
      const tokens = await createTokenService(pica, PATIENT);
      const before = timers();
      pica.fault({ path: '/v1/authkit', page, status: 401 });
      if (page > 1)
        pica.fault({ path: '/v1/authkit', page: 1, times: 1, delay: 1 });
      pica.fault({ when: ({ query }) => query.page !== '1', hang: true });
      expect(await reasonOf(tokens.create(ADA))).toBe('secret_rejected');
      await until(() =>
        pica.requests.every(
          ({ aborted, status }) => aborted || status !== undefined,
        ),
      );
      expect(
        pica.requests.filter(({ method }) => method === 'POST'),
      ).toHaveLength(requestedPages);
      await until(() => timers() <= before);
    },
  );
});

describe('the retry budget', () => {
  it('allows 20 retries in all for 100 tokens when the upstream is down', async () => {
    const tokens = await createTokenService(pica);
    mockBackoff(0);
    pica.fault({ status: 503 });
    for (let n = 0; n < 100; n += 1) {
      expect(await reasonOf(tokens.create(ADA))).toBe('unavailable');
    }
    // Two pages and the flags for each token, and the retries.
    expect(pica.requests.length).toBeGreaterThan(300);
    expect(pica.requests.length).toBeLessThanOrEqual(320);
  });

  it('allows retries again after requests that succeed', async () => {
    const tokens = await createTokenService(pica);
    mockBackoff(0);
    pica.fault({ path: '/v1/authkit', times: 40, status: 503 });
    for (let n = 0; n < 15; n += 1) await reasonOf(tokens.create(ADA));
    pica.reset();
    for (let n = 0; n < 10; n += 1) await tokens.create(ADA);
    pica.reset();
    pica.fault({ path: '/v1/authkit', page: 3, times: 2, status: 503 });
    expect((await tokens.create(ADA)).rows).toHaveLength(1000);
  });

  it.each(['registration', 'account'])(
    'of one %s is not spent by another',
    async (what) => {
      const spender = await createTokenService(pica);
      const other =
        what === 'account' ? spender : await createTokenService(pica);
      const bob = { identity: 'bob', tenant: 'of Bob' };
      mockBackoff(0);
      pica.fault({ status: 503 });
      for (let n = 0; n < 30; n += 1) await reasonOf(spender.create(ADA));
      pica.reset();
      pica.fault({ path: '/v1/authkit', page: 1, times: 1, status: 503 });
      expect(await reasonOf(other.create(bob))).toBe('none');
    },
  );
});

it('an app that closes drains all of its registrations at once: none of them accepts requests while another one waits', async () => {
  const names = ['a', 'b', 'c'];
  const { app, close } = await createApp({
    registrations: names.map((name) =>
      register({ pica, name, options: { ...PATIENT, timeout: 300 } }),
    ),
  });
  const create = (signal?: AbortSignal) =>
    Promise.all(
      names.map((name) => {
        const token = getAuthKitProviderToken(AuthKitTokenService, name);
        return reasonOf(
          app.get<AuthKitTokenService>(token).create(ADA, { signal }),
        );
      }),
    );
  pica.fault({ hang: true });
  const pending = create();
  const closed = close();
  // A request that is cancelled already, so that one that is accepted ends at once.
  let reasons: unknown[];
  do reasons = await create(AbortSignal.abort());
  while (reasons.every((reason) => reason === 'cancelled'));
  expect(reasons).toEqual(['unavailable', 'unavailable', 'unavailable']);
  await closed;
  expect(await pending).not.toContain('none');
});

describe.each(PLATFORMS)('an app on %s', (platform) => {
  const start = () => startApp({ pica, platform, options: PATIENT });

  it('cancels the requests of every page when the client disconnects', async () => {
    const { tokenUrl } = await start();
    pica.fault({ when: ({ query }) => Number(query.page) > 1, hang: true });
    const client = new AbortController();
    const response = requestToken(tokenUrl, { signal: client.signal });
    response.catch(() => {});
    await until(() => pica.requests.length === 11);
    client.abort();
    await expect(response).rejects.toThrow();
    await until(
      () => pica.requests.filter(({ aborted }) => aborted).length === 9,
    );
  });

  it('waits for pending tokens at most for `timeout` when it closes, then answers unavailable and closes its connections', async () => {
    const { tokens, close } = await startApp({
      pica,
      platform,
      options: { ...PATIENT, timeout: 1_000 },
    });
    await tokens.create(ADA);
    expect(pica.openConnections).toBeGreaterThan(0);
    pica.fault({ hang: true });
    const pending = reasonOf(tokens.create(ADA));
    await close();
    expect(['unavailable', 'timed_out']).toContain(await pending);
    expect(await reasonOf(tokens.create(ADA))).toBe('unavailable');
    await until(() => pica.openConnections === 0);
  });

  it('completes pending tokens before it closes', async () => {
    const { tokenUrl, close } = await start();
    pica.latency = 100;
    const response = requestToken(tokenUrl);
    await until(() => pica.requests.length > 0);
    await close();
    expect((await response).status).toBe(200);
  });
});
