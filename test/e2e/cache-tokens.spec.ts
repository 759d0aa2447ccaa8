import { setTimeout as sleep } from 'node:timers/promises';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import type {
  AuthKitCacheOptions,
  AuthKitTokenService,
} from '../../lib/index.js';
import {
  createTokenService,
  reasonOf,
  type TestOptions,
} from '../support/app.js';
import {
  requestNames,
  startEmulator,
  useEmulator,
} from '../support/emulator.js';
import { until } from '../support/until.js';

const pica = useEmulator({ whiteLabel: true });
const ADA = { identity: 'ada' };
const BOB = { identity: 'bob' };
const EVERYTHING = { flags: true, integrations: true };
const ALL_PAGES = ['page 1', 'page 2', 'page 3'];
const ALL_REQUESTS = ['flags', ...ALL_PAGES];

const createService = (
  cache: AuthKitCacheOptions | undefined,
  options?: TestOptions,
) => createTokenService(pica, { cache, ...options });

/** The names of the requests since the emulator had received a number of them. */
const requestsSince = (count: number) =>
  requestNames({ requests: pica.requests.slice(count) });

/** Creates a token, and lists the requests that it took. */
async function create(
  tokens: AuthKitTokenService,
  ...args: Parameters<AuthKitTokenService['create']>
) {
  const before = pica.requests.length;
  const token = await tokens.create(...args);
  return { token, requests: requestsSince(before) };
}

describe.each<[string, () => AuthKitCacheOptions['store']]>([
  ['the memory of the instance', () => 'memory'],
  ['a Keyv', () => new Keyv()],
  ['a Cache of cache-manager', () => createCache()],
])('with %s as store', (_name, store) => {
  it.each([true, false])(
    'a token takes one request once flags and integrations are cached, with pageHint: %s',
    async (pageHint) => {
      const tokens = await createService(
        { store: store(), ...EVERYTHING },
        { pageHint },
      );
      const first = await create(tokens, ADA);
      expect(first.requests).toEqual(ALL_REQUESTS);
      for (const identity of [ADA, BOB]) {
        const { token, requests } = await create(tokens, identity);
        expect(requests).toEqual(['page 1']);
        expect(token).toEqual({
          ...first.token,
          requestId: expect.any(String),
        });
        expect(token.rows).toEqual(pica.rows);
        expect(token.isWhiteLabel).toBe(true);
      }
    },
  );

  it('`flags` saves the flags request alone', async () => {
    const tokens = await createService({ store: store(), flags: true });
    await tokens.create(ADA);
    expect((await create(tokens, ADA)).requests).toEqual(ALL_PAGES);
  });

  it('the option for integrations saves the requests for pages after the first alone', async () => {
    const tokens = await createService({ store: store(), integrations: true });
    await tokens.create(ADA);
    expect((await create(tokens, ADA)).requests).toEqual(['flags', 'page 1']);
  });

  it('entries are fetched again after `ttl`', async () => {
    const tokens = await createService({
      store: store(),
      ttl: 80,
      ...EVERYTHING,
    });
    await tokens.create(ADA);
    await sleep(120);
    pica.whiteLabel = false;
    const { token, requests } = await create(tokens, ADA);
    expect(requests).toEqual(ALL_REQUESTS);
    expect(token.isWhiteLabel).toBe(false);
  });
});

it.each([undefined, {}])('nothing is cached with `cache` %j', async (cache) => {
  const tokens = await createService(cache);
  await tokens.create(ADA);
  expect((await create(tokens, ADA)).requests).toEqual(ALL_REQUESTS);
});

describe('each identity', () => {
  it('receives the requestId of its own page 1, on cache misses and on hits', async () => {
    const emulator = await startEmulator({
      requestId: ({ body, query }) =>
        `${(body as { identity: string }).identity}, page ${query.page}`,
    });
    const tokens = await createTokenService(emulator, { cache: EVERYTHING });
    const users = Array.from({ length: 20 }, (_, index) => `user ${index}`);
    for (const _round of ['miss', 'hit']) {
      const created = await Promise.all(
        users.map((identity) => tokens.create({ identity })),
      );
      expect(created.map(({ requestId }) => requestId)).toEqual(
        users.map((identity) => `${identity}, page 1`),
      );
    }
  });

  it('is the identity of its own request for page 1 on a cache hit', async () => {
    const tokens = await createService(EVERYTHING);
    await tokens.create(ADA);
    const before = pica.requests.length;
    await tokens.create({ identity: 'acme', identityType: 'team' });
    expect(pica.requests.slice(before).map(({ body }) => body)).toEqual([
      { identity: 'acme', identityType: 'team' },
    ]);
  });

  it('receives rows of its own, so that changes to them do not reach another', async () => {
    const tokens = await createService(EVERYTHING);
    const spoilt = await Promise.all([tokens.create(ADA), tokens.create(ADA)]);
    spoilt.push(await tokens.create(ADA));
    for (const { rows } of spoilt) {
      for (const row of rows) {
        row.title = 'spoilt';
        row.tags?.push('spoilt');
      }
    }
    expect((await tokens.create(BOB)).rows).toEqual(pica.rows);
  });
});

describe('cached integrations', () => {
  it.each([
    [247, 347],
    [247, 120],
    [247, 20],
    [247, 0],
    [20, 247],
    [247, 248],
    [1000, 999],
  ])(
    'are replaced by the next token when their number changes from %d to %d',
    async (before, after) => {
      pica.integrations = before;
      const tokens = await createService(EVERYTHING);
      await tokens.create(ADA);
      await tokens.create(ADA);
      pica.integrations = after;
      for (const _ of ['changed', 'cached', 'cached']) {
        const token = await tokens.create(ADA);
        expect(token.rows).toEqual(pica.rows);
        expect(token).toMatchObject({ total: after, page: 1 });
      }
      expect((await create(tokens, ADA)).requests).toEqual(['page 1']);
    },
  );

  it('are dropped when page 1 has another total, and not used again when the old total comes back', async () => {
    const tokens = await createService(EVERYTHING);
    await tokens.create(ADA);
    pica.integrations = 300;
    const fault = pica.fault({ page: 2, status: 404 });
    expect(await reasonOf(tokens.create(ADA))).toBe('rejected');
    fault.remove();
    pica.integrations = 247;
    expect((await create(tokens, ADA)).requests).toEqual(ALL_PAGES);
  });

  it.each([350, 130])(
    'are not stored when their number becomes %d during the token',
    async (after) => {
      const tokens = await createService(EVERYTHING);
      const fault = pica.fault({
        page: 2,
        when: () => {
          pica.integrations = after;
          return false;
        },
        delay: 1,
      });
      expect((await tokens.create(ADA)).total).toBe(247);
      fault.remove();
      const token = await tokens.create(ADA);
      expect(token.rows).toEqual(pica.rows);
      expect(token.total).toBe(after);
    },
  );

  it('are not shared between services with different baseUrls in one store', async () => {
    const cache = { store: new Keyv(), ...EVERYTHING };
    const other = await startEmulator();
    other.integrations = other.rows.map((row) => ({ ...row, title: 'other' }));
    await (await createService(cache)).create(ADA);
    const tokens = await createTokenService(other, { cache });
    const token = await tokens.create(ADA);
    expect(token.rows).toEqual(other.rows);
    expect(token.isWhiteLabel).toBe(false);
    expect(requestNames(other)).toEqual(ALL_REQUESTS);
  });

  it('are not shared between services with different pageSizes in one store', async () => {
    const cache = { store: new Keyv(), ...EVERYTHING };
    await (await createService(cache)).create(ADA);
    const tokens = await createService(cache, { pageSize: 50 });
    const { requests } = await create(tokens, ADA);
    expect(requests).toEqual([...ALL_PAGES, 'page 4', 'page 5']);
  });

  it('are not shared between secret keys in one store', async () => {
    const cache = { store: new Keyv(), ...EVERYTHING };
    await (await createService(cache)).create(ADA);
    let secretKey = pica.secretKey;
    const tokens = await createService(cache, { secretKey: () => secretKey });
    expect((await create(tokens, ADA)).requests).toEqual(['page 1']);
    secretKey = 'sk_test_another_tenant';
    expect(await reasonOf(tokens.create(ADA))).toBe('secret_rejected');
  });

  it('of more than `maxPages` pages are rejected as malformed', async () => {
    const cache = { store: new Keyv(), ...EVERYTHING };
    await (await createService(cache)).create(ADA);
    const strict = await createService(cache, { maxPages: 2 });
    expect(await reasonOf(strict.create(ADA))).toBe('malformed');
  });

  it('contain nothing of a page but its rows and counts, neither unknown fields nor the requestId', async () => {
    const store = new Keyv();
    const fault = pica.fault({
      method: 'POST',
      transform: (page) => ({ ...page, whose: 'ada' }),
    });
    const tokens = await createService({ store, ...EVERYTHING });
    await tokens.create(ADA);
    fault.remove();
    expect(await tokens.create(BOB)).not.toHaveProperty('whose');
    const entries = JSON.stringify([...store.store.values()]);
    expect(entries).not.toContain('whose');
    expect(entries).not.toContain('req_');
  });
});

describe('a single page', () => {
  it('is not cached, while its flags are', async () => {
    const tokens = await createService(EVERYTHING);
    await tokens.create(ADA);
    for (const _ of [1, 2]) {
      const { token, requests } = await create(tokens, ADA, {
        page: 2,
        limit: 100,
      });
      expect(requests).toEqual(['page 2']);
      expect(token.requestId).toEqual(expect.any(String));
      expect(token.rows).toEqual(pica.rows.slice(100, 200));
    }
  });

  it('of One is not cached, while all integrations of One are', async () => {
    const one = await startEmulator({ vendor: 'one' });
    const tokens = await createTokenService(one, { cache: EVERYTHING });
    const pages = [
      await tokens.create(ADA, { page: 1, limit: 100 }),
      await tokens.create(BOB, { page: 1, limit: 100 }),
    ];
    expect(requestNames(one)).toEqual(['page 1', 'page 1']);
    expect(pages[0]!.requestId).not.toBe(pages[1]!.requestId);

    one.reset();
    const all = await tokens.create(ADA);
    expect(await tokens.create(BOB)).toEqual({
      ...all,
      requestId: expect.any(String),
    });
    expect(all.rows).toEqual(one.rows);
    expect(requestNames(one)).toEqual(['page 1', ...ALL_PAGES]);
  });
});

it('flags are not cached when their request fails', async () => {
  const tokens = await createService(EVERYTHING);
  const fault = pica.fault({ path: '/v1/users/flags', status: 404 });
  expect((await tokens.create(ADA)).isWhiteLabel).toBe(false);
  fault.remove();
  const { token, requests } = await create(tokens, ADA);
  expect(requests).toEqual(['flags', 'page 1']);
  expect(token.isWhiteLabel).toBe(true);
});

describe('of 50 concurrent tokens', () => {
  const users = Array.from({ length: 50 }, (_, index) => ({
    identity: `user-${index}`,
  }));
  /** How often each request was sent since the emulator had received a number of them. */
  const counts = (since = 0) => {
    const result: Record<string, number> = {};
    for (const name of requestsSince(since)) {
      result[name] = (result[name] ?? 0) + 1;
    }
    return result;
  };
  const ONE_FETCH = { flags: 1, 'page 1': 50, 'page 2': 1, 'page 3': 1 };

  describe.each<[string, () => AuthKitCacheOptions['store']]>([
    ['the memory of the instance', () => 'memory'],
    ['a Keyv', () => new Keyv()],
  ])('with %s as store', (_name, store) => {
    it.each([
      ['are not cached', undefined],
      ['have expired', 150],
    ])(
      'one fetches flags and further pages when they %s',
      async (_state, ttl) => {
        const tokens = await createService({
          store: store(),
          ...EVERYTHING,
          ...(ttl && { ttl }),
        });
        if (ttl) {
          await tokens.create(ADA);
          await sleep(ttl + 50);
        }
        const before = pica.requests.length;
        pica.latency = 20;
        const created = await Promise.all(
          users.map((identity) => tokens.create(identity)),
        );
        expect(counts(before)).toEqual(ONE_FETCH);
        for (const { rows } of created) expect(rows).toEqual(pica.rows);
        const requestIds = created.map(({ requestId }) => requestId);
        expect(new Set(requestIds).size).toBe(50);
      },
    );
  });

  it('the others are complete when the one that fetches is cancelled', async () => {
    const tokens = await createService(EVERYTHING);
    pica.fault({ method: 'GET', delay: 1_500 });
    pica.fault({ page: 2, delay: 1_500 });
    const caller = new AbortController();
    const first = reasonOf(tokens.create(ADA, { signal: caller.signal }));
    await until(() => requestNames(pica).includes('page 2'));
    const others = users.map((identity) => tokens.create(identity));
    await until(() => counts()['page 1'] === 51);
    await sleep(50);
    caller.abort();
    expect(await first).toBe('cancelled');
    for (const { rows, isWhiteLabel } of await Promise.all(others)) {
      expect(rows).toEqual(pica.rows);
      expect(isWhiteLabel).toBe(true);
    }
    expect(counts()).toEqual({ ...ONE_FETCH, 'page 1': 51 });
  });

  it('a later one is complete when the one that fetches times out', async () => {
    const tokens = await createService(EVERYTHING, {
      timeout: 1_000,
      attemptTimeout: 700,
    });
    // Page 2 fails for good within the time of the first token and not within that of the second.
    pica.fault({ page: 2, times: 1, delay: 5_000 });
    pica.fault({ page: 2, times: 1, delay: 500 });
    const first = reasonOf(tokens.create(ADA));
    await until(() => requestNames(pica).includes('page 2'));
    await sleep(500);
    const second = tokens.create(BOB);
    expect(await first).toBe('timed_out');
    expect((await second).rows).toEqual(pica.rows);
  });

  it('all that are cancelled end the fetch, and the next token starts another', async () => {
    const tokens = await createService(EVERYTHING);
    const fault = pica.fault({ page: 2, hang: true });
    const caller = new AbortController();
    const cancelled = [ADA, BOB].map((identity) =>
      reasonOf(tokens.create(identity, { signal: caller.signal })),
    );
    await until(() => requestNames(pica).includes('page 2'));
    caller.abort();
    expect(await Promise.all(cancelled)).toEqual(['cancelled', 'cancelled']);
    await until(() => pica.requests.some(({ aborted }) => aborted));
    fault.remove();
    expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
  });

  it('all fail with a page that fails, and the next token fetches it again', async () => {
    const tokens = await createService(EVERYTHING);
    pica.latency = 20;
    const fault = pica.fault({ page: 2, status: 400 });
    const reasons = await Promise.all(
      users.map((identity) => reasonOf(tokens.create(identity))),
    );
    expect(new Set(reasons)).toEqual(new Set(['rejected']));
    fault.remove();
    expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
  });
});
