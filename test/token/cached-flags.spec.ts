import type {
  AuthKitCacheOptions,
  AuthKitTokenService,
} from '../../lib/index.js';
import {
  createTokenService,
  reasonOf,
  type TestOptions,
} from '../support/app.js';
import { requestNames, useEmulator } from '../support/emulator.js';
import { advanceClock, captureOutput } from '../support/mocks.js';
import { until } from '../support/until.js';

const pica = useEmulator({ whiteLabel: true });
const ADA = { identity: 'ada' };
const BOB = { identity: 'bob' };
const FLAGS = '/v1/users/flags';
const TTL = 60_000;

const createService = (cache?: AuthKitCacheOptions, options?: TestOptions) =>
  createTokenService(pica, { cache, ...options });

/** Creates a token, and counts the requests for the flags that it took. */
async function create(tokens: AuthKitTokenService, identity = ADA) {
  const before = pica.requests.length;
  const { isWhiteLabel } = await tokens.create(identity);
  const requests = pica.requests.slice(before);
  const flags = requestNames({ requests }).filter((name) => name === 'flags');
  return { isWhiteLabel, requests: flags.length };
}

const flagRequests = () =>
  requestNames(pica).filter((name) => name === 'flags').length;

it.each([undefined, {}, { flags: true }])(
  'the flags of an account are fetched once, whoever the token is for, with `cache` %j',
  async (cache) => {
    const tokens = await createService(cache);
    expect(await create(tokens)).toEqual({ isWhiteLabel: true, requests: 1 });
    expect(await create(tokens, BOB)).toEqual({
      isWhiteLabel: true,
      requests: 0,
    });
  },
);

it('the flags are fetched for each token with `flags: false`', async () => {
  const tokens = await createService({ flags: false });
  await tokens.create(ADA);
  expect((await create(tokens)).requests).toBe(1);
});

it('each tenant has flags of its own', async () => {
  const tokens = await createService();
  await tokens.create({ ...ADA, tenant: 'acme' });
  pica.whiteLabel = false;
  const globex = await tokens.create({ ...ADA, tenant: 'globex' });
  expect(globex.isWhiteLabel).toBe(false);
});

it.each([
  ['are current', TTL - 10_000, { isWhiteLabel: true, requests: 0 }],
  ['are fetched again', TTL, { isWhiteLabel: false, requests: 1 }],
])('flags of a ttl of 60 s %s %d ms later', async (_what, ms, expected) => {
  const tokens = await createService({ ttl: TTL });
  await tokens.create(ADA);
  pica.whiteLabel = false;
  advanceClock(ms);
  expect(await create(tokens)).toEqual(expected);
});

it('flags are not cached when their request fails', async () => {
  const tokens = await createService();
  const fault = pica.fault({ path: FLAGS, status: 404 });
  expect((await create(tokens)).isWhiteLabel).toBe(false);
  fault.remove();
  expect(await create(tokens)).toEqual({ isWhiteLabel: true, requests: 1 });
});

it('flags beyond their ttl serve if the request for new ones fails', async () => {
  const tokens = await createService({ ttl: TTL });
  await tokens.create(ADA);
  advanceClock(TTL);
  const output = captureOutput();
  pica.fault({ path: FLAGS, status: 404 });
  expect(await create(tokens)).toEqual({ isWhiteLabel: true, requests: 1 });
  expect(output()).toBe('');
});

it('flags beyond their ttl serve if the request for new ones is slow, whose response serves the next token', async () => {
  const tokens = await createService({ ttl: TTL }, { timeout: 1_000 });
  await tokens.create(ADA);
  advanceClock(TTL);
  pica.whiteLabel = false;
  // A token waits half of its timeout.
  pica.fault({ path: FLAGS, delay: 800 });
  expect(await create(tokens)).toEqual({ isWhiteLabel: true, requests: 1 });
  await until(isAnswered);
  expect(await create(tokens)).toEqual({ isWhiteLabel: false, requests: 0 });
});

/** Whether the last request for the flags has its response. */
const isAnswered = () =>
  pica.requests.filter(({ path }) => path === FLAGS).at(-1)?.status === 200;

describe('a request for the flags that several tokens share', () => {
  const users = Array.from({ length: 50 }, (_, index) => ({
    identity: `user-${index}`,
  }));

  it('is one, while each token has a requestId of its own', async () => {
    const tokens = await createService();
    pica.latency = 20;
    const created = await Promise.all(
      users.map((identity) => tokens.create(identity)),
    );
    expect(flagRequests()).toBe(1);
    const offered = JSON.stringify(pica.rows);
    for (const { rows, isWhiteLabel } of created) {
      expect(JSON.stringify(rows)).toBe(offered);
      expect(isWhiteLabel).toBe(true);
    }
    const requestIds = created.map(({ requestId }) => requestId);
    expect(new Set(requestIds).size).toBe(50);
  });

  it('does not end with the token that started it', async () => {
    const tokens = await createService();
    pica.fault({ path: FLAGS, delay: 100 });
    const caller = new AbortController();
    const first = reasonOf(tokens.create(ADA, { signal: caller.signal }));
    await until(() => flagRequests() === 1);
    const others = users.map((identity) => tokens.create(identity));
    caller.abort();
    expect(await first).toBe('cancelled');
    for (const { isWhiteLabel } of await Promise.all(others)) {
      expect(isWhiteLabel).toBe(true);
    }
    expect(flagRequests()).toBe(1);
  });

  it('ends after `timeout`, and the next token sends another', async () => {
    captureOutput();
    const tokens = await createService(
      {},
      { timeout: 400, attemptTimeout: 60_000, retries: 0 },
    );
    const fault = pica.fault({ path: FLAGS, hang: true });
    expect((await create(tokens)).isWhiteLabel).toBe(false);
    await until(() => pica.requests.some(({ aborted }) => aborted));
    fault.remove();
    expect(await create(tokens)).toEqual({ isWhiteLabel: true, requests: 1 });
  });
});
