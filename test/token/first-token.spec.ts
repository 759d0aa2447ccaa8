import { LIMITS } from '../../lib/options/limits.js';
import {
  AuthKitHealthIndicator,
  type AuthKitTokenService,
} from '../../lib/index.js';
import {
  createApp,
  createTokenService,
  reasonOf,
  startApp,
} from '../support/app.js';
import { requestNames, useEmulator } from '../support/emulator.js';
import { ONE_WIDGET, requestToken } from '../support/http.js';
import { captureOutput, mockBackoff } from '../support/mocks.js';
import { until } from '../support/until.js';

const pica = useEmulator();
const one = useEmulator({ vendor: 'one' });
const ADA = { identity: 'ada' };

/** The pages that a token requests, while the first of them does not arrive. */
async function pagesAtOnce(
  tokens: AuthKitTokenService,
  count: number,
  identity: { identity: string; tenant?: string } = ADA,
) {
  const before = pica.requests.length;
  const hanging = pica.fault({ page: 1, hang: true });
  const caller = new AbortController();
  const token = reasonOf(tokens.create(identity, { signal: caller.signal }));
  const pages = () =>
    requestNames({ requests: pica.requests.slice(before) }).filter(
      (name) => name !== 'flags',
    );
  await until(
    () =>
      pages().length >= count &&
      pica.requests
        .slice(before)
        .filter(({ query }) => query.page !== '1')
        .every(({ status }) => status !== undefined),
  );
  caller.abort();
  await token;
  hanging.remove();
  return pages();
}

describe('the first token of a process', () => {
  it('requests two pages at once', async () => {
    const tokens = await createTokenService(pica);
    expect(await pagesAtOnce(tokens, 2)).toEqual(['page 1', 'page 2']);
  });

  it('requests as many pages at once as the last account had, whosever that was', async () => {
    const tokens = await createTokenService(pica);
    pica.integrations = 600;
    await tokens.create({ ...ADA, tenant: 'acme' });
    const globex = { ...ADA, tenant: 'globex' };
    expect(await pagesAtOnce(tokens, 4, globex)).toHaveLength(4);
  });

  it('requests no more pages at once than `concurrency`', async () => {
    const tokens = await createTokenService(pica, {
      [LIMITS]: { concurrency: 3 },
    });
    pica.integrations = 1_000;
    await tokens.create({ ...ADA, tenant: 'acme' });
    const globex = { ...ADA, tenant: 'globex' };
    expect(await pagesAtOnce(tokens, 3, globex)).toHaveLength(3);
  });

  it('drops the second page of an account that has one page, and the next token requests one', async () => {
    pica.integrations = 20;
    const tokens = await createTokenService(pica);
    const hanging = pica.fault({ page: 2, hang: true });
    pica.fault({ page: 1, delay: 50 });
    expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
    expect(hanging.hits).toBe(1);
    await until(() => pica.requests.some(({ aborted }) => aborted));
    await tokens.create(ADA);
    expect(hanging.hits).toBe(1);
  });

  it.each([{ page: 1 }, { limit: 100 }, { page: 2, limit: 5 }])(
    'makes one request for a page with %j',
    async (requested) => {
      const tokens = await createTokenService(pica);
      await tokens.create(ADA, requested);
      expect(requestNames(pica)).toHaveLength(2);
    },
  );

  it('makes one request with `paging: forward`', async () => {
    const { tokenUrl } = await startApp({ pica: one });
    const url = `${tokenUrl}?page=1&limit=100`;
    expect((await requestToken(url, { origin: ONE_WIDGET })).status).toBe(200);
    expect(requestNames(one)).toEqual(['page 1']);
  });
});

describe('the second page that the first token requests at once', () => {
  it('is not retried before the first page is there', async () => {
    const tokens = await createTokenService(pica);
    mockBackoff(0);
    const failing = pica.fault({ page: 2, status: 503 });
    pica.fault({ page: 1, hang: true });
    const caller = new AbortController();
    const token = reasonOf(tokens.create(ADA, { signal: caller.signal }));
    await until(() => failing.hits === 1);
    // Time enough for a retry.
    for (const page of [3, 4, 5]) await tokens.create(ADA, { page });
    expect(failing.hits).toBe(1);
    caller.abort();
    await token;
  });

  it('is requested again if it failed, whatever `retries` is', async () => {
    const tokens = await createTokenService(pica, { retries: 0 });
    const fault = pica.fault({ page: 2, status: 503, times: 1 });
    expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
    expect(fault.hits).toBe(1);
  });

  it('takes nothing from the retry budget', async () => {
    const tokens = await createTokenService(pica);
    mockBackoff(0);
    // More than there are retries in the budget.
    for (let index = 0; index < 30; index += 1) {
      pica.fault({ page: 2, status: 503, times: 1 });
      await tokens.create(ADA);
    }
    pica.fault({ page: 1, status: 503, times: 3 });
    expect(await reasonOf(tokens.create(ADA))).toBe('none');
  });

  it.each([20, 247])(
    'shows in neither log nor health when it fails, with %d integrations',
    async (integrations) => {
      pica.integrations = integrations;
      const { tokens, get } = await createApp({
        pica,
        logs: ['error', 'warn', 'log', 'debug', 'verbose'],
      });
      const output = captureOutput();
      pica.fault({ page: 2, status: 401, times: 1 });
      expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
      expect(output()).toBe('');
      expect(get(AuthKitHealthIndicator).check().authkit?.status).toBe('up');
      expect(get(AuthKitHealthIndicator).check().authkit).not.toHaveProperty(
        'lastFailure',
      );
    },
  );

  it('is not the reason of a token whose first page fails', async () => {
    const tokens = await createTokenService(pica, { retries: 0 });
    pica.fault({ page: 2, status: 401 });
    pica.fault({ page: 1, status: 402, delay: 50 });
    expect(await reasonOf(tokens.create(ADA))).toBe('quota_exceeded');
  });
});
