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
import { advanceClock } from '../support/mocks.js';
import { until } from '../support/until.js';

const pica = useEmulator({ whiteLabel: true });
const ADA = { identity: 'ada' };
const BOB = { identity: 'bob' };
const EVERYTHING = { flags: true, integrations: true };
const ALL_PAGES = ['page 1', 'page 2'];
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

  it('`integrations` without `flags` saves the requests for the pages alone', async () => {
    const tokens = await createService({
      store: store(),
      flags: false,
      integrations: true,
    });
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

it.each([undefined, {}])(
  'the flags alone are cached with `cache` %j',
  async (cache) => {
    const tokens = await createService(cache);
    await tokens.create(ADA);
    expect((await create(tokens, ADA)).requests).toEqual(ALL_PAGES);
  },
);

it('nothing is cached with `flags: false`', async () => {
  const tokens = await createService({ flags: false });
  await tokens.create(ADA);
  expect((await create(tokens, ADA)).requests).toEqual(ALL_REQUESTS);
});

describe('each identity', () => {
  it('receives the requestId of its own last page on a cache miss, and of its own page 1 on a hit', async () => {
    const emulator = await startEmulator({
      requestId: ({ body, query }) =>
        `${(body as { identity: string }).identity}, page ${query.page}`,
    });
    const tokens = await createTokenService(emulator, { cache: EVERYTHING });
    const users = Array.from({ length: 20 }, (_, index) => `user ${index}`);
    for (const page of ['page 2', 'page 1']) {
      const created = await Promise.all(
        users.map((identity) => tokens.create({ identity })),
      );
      expect(created.map(({ requestId }) => requestId)).toEqual(
        users.map((identity) => `${identity}, ${page}`),
      );
    }
  });

  it('is the identity of its own request for page 1 on a cache hit', async () => {
    const tokens = await createService(EVERYTHING);
    await tokens.create(ADA);
    const before = pica.requests.length;
    await tokens.create({ identity: 'acme', identityType: 'team' });
    expect(
      pica.requests.slice(before).map(({ body, query }) => ({ body, query })),
    ).toEqual([
      {
        body: { identity: 'acme', identityType: 'team' },
        query: { limit: '1', page: '1' },
      },
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

  it('are replaced when the first row changes and their number does not', async () => {
    const tokens = await createService(EVERYTHING);
    await tokens.create(ADA);
    pica.integrations = pica.rows.map((row, index) =>
      index === 0 ? { ...row, title: 'Renamed' } : row,
    );
    expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
    expect((await create(tokens, ADA)).requests).toEqual(['page 1']);
  });

  it.each([null, undefined])(
    'are not stored when the total of the pages is %s',
    async (total) => {
      pica.fault({
        method: 'POST',
        transform: (page) => ({ ...page, total }),
      });
      const tokens = await createService(EVERYTHING);
      await tokens.create(ADA);
      expect((await create(tokens, ADA)).requests).toEqual(ALL_PAGES);
    },
  );

  it('are not probed for `ttl` after three outdated entries in a row', async () => {
    const tokens = await createService(EVERYTHING);
    for (const total of [247, 248, 249, 250]) {
      pica.integrations = total;
      expect((await tokens.create(ADA)).total).toBe(total);
    }
    expect((await create(tokens, ADA)).requests).toEqual(ALL_PAGES);
  });

  it('are read again after one change, however many tokens notice it at the same moment', async () => {
    const tokens = await createService(EVERYTHING);
    await tokens.create(ADA);
    pica.integrations = 248;
    pica.latency = 30;
    await Promise.all(
      Array.from({ length: 5 }, (_, index) =>
        tokens.create({ identity: `user-${index}` }),
      ),
    );
    expect((await create(tokens, ADA)).requests).toEqual(['page 1']);
  });

  it('that are outdated are removed from the store', async () => {
    const store = new Keyv();
    const tokens = await createService({ store, ...EVERYTHING });
    await tokens.create(ADA);
    pica.integrations = 248;
    pica.fault({ when: ({ query }) => query.limit === '150', status: 400 });
    expect(await reasonOf(tokens.create(ADA))).toBe('rejected');
    expect(
      [...store.store.keys()].filter((key) => key.includes('integrations')),
    ).toEqual([]);
  });

  it('are not used with `paging: forward`', async () => {
    const tokens = await createService(EVERYTHING, { paging: 'forward' });
    await tokens.create(ADA);
    expect((await create(tokens, ADA)).requests).toEqual(ALL_PAGES);
  });

  it.each(['memory' as const, new Keyv()])(
    'are copied for each list of integrations, also with `allowIntegration`',
    async (store) => {
      const tokens = await createService(
        { store, ...EVERYTHING },
        { allowIntegration: () => true },
      );
      await tokens.create(ADA);
      for (const _ of [1, 2]) {
        const list = await tokens.integrations(ADA);
        expect(list).toHaveLength(247);
        for (const integration of list) {
          expect(integration.title).not.toBe('spoilt');
          expect(integration.tags).not.toContain('spoilt');
          integration.title = 'spoilt';
          integration.tags?.push('spoilt');
        }
      }
      expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
    },
  );

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

  it('are not shared between secret keys in one store', async () => {
    const cache = { store: new Keyv(), ...EVERYTHING };
    await (await createService(cache)).create(ADA);
    let secretKey = pica.secretKey;
    const tokens = await createService(cache, { secretKey: () => secretKey });
    expect((await create(tokens, ADA)).requests).toEqual(['page 1']);
    secretKey = 'sk_test_another_tenant';
    expect(await reasonOf(tokens.create(ADA))).toBe('secret_rejected');
  });

  it('of more than `maxPages` pages are fetched, and rejected as malformed', async () => {
    const cache = { store: new Keyv(), ...EVERYTHING };
    await (await createService(cache)).create(ADA);
    const strict = await createService(cache, { maxPages: 1 });
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
    const tokens = await createTokenService(one, {
      cache: EVERYTHING,
      paging: 'all',
    });
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

it('an expired value of the flags serves while their request fails', async () => {
  const tokens = await createService({ ttl: 50 });
  expect((await tokens.create(ADA)).isWhiteLabel).toBe(true);
  await sleep(80);
  const fault = pica.fault({ path: '/v1/users/flags', status: 404 });
  expect((await tokens.create(ADA)).isWhiteLabel).toBe(true);
  expect(fault.hits).toBe(1);
});

it('an expired value of the flags serves while their request is slow, and the value that arrives later serves the next token', async () => {
  const tokens = await createService({ ttl: 800 });
  await tokens.create(ADA);
  pica.whiteLabel = false;
  await sleep(850);
  pica.fault({ path: '/v1/users/flags', delay: 900 });
  const started = performance.now();
  expect((await tokens.create(ADA)).isWhiteLabel).toBe(true);
  expect(performance.now() - started).toBeLessThan(850);
  await sleep(500);
  const { token, requests } = await create(tokens, BOB);
  expect(requests).not.toContain('flags');
  expect(token.isWhiteLabel).toBe(false);
});

it('an expired value of the flags serves within a quarter of `timeout`', async () => {
  const tokens = await createService({ ttl: 50 }, { timeout: 800 });
  await tokens.create(ADA);
  await sleep(80);
  pica.fault({ path: '/v1/users/flags', hang: true });
  const started = performance.now();
  expect((await tokens.create(ADA)).isWhiteLabel).toBe(true);
  expect(performance.now() - started).toBeLessThan(450);
});

describe('of 50 concurrent tokens', () => {
  const users = Array.from({ length: 50 }, (_, index) => ({
    identity: `user-${index}`,
  }));
  const flagRequests = () =>
    requestNames(pica).filter((name) => name === 'flags').length;

  it('one fetches the flags for all, and each has a requestId of its own', async () => {
    const tokens = await createService(EVERYTHING);
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

  it('the others have the flags when the one that fetches them is cancelled', async () => {
    const tokens = await createService({});
    pica.fault({ method: 'GET', delay: 400 });
    const caller = new AbortController();
    const first = reasonOf(tokens.create(ADA, { signal: caller.signal }));
    await until(() => flagRequests() === 1);
    const others = users.map((identity) => tokens.create(identity));
    await sleep(50);
    caller.abort();
    expect(await first).toBe('cancelled');
    for (const { isWhiteLabel } of await Promise.all(others)) {
      expect(isWhiteLabel).toBe(true);
    }
    expect(flagRequests()).toBe(1);
  });

  it('all that are cancelled end the request for the flags, and the next token sends another', async () => {
    const tokens = await createService({});
    const fault = pica.fault({ method: 'GET', hang: true });
    const caller = new AbortController();
    const cancelled = [ADA, BOB].map((identity) =>
      reasonOf(tokens.create(identity, { signal: caller.signal })),
    );
    await until(() => flagRequests() === 1);
    caller.abort();
    expect(await Promise.all(cancelled)).toEqual(['cancelled', 'cancelled']);
    await until(() => pica.requests.some(({ aborted }) => aborted));
    fault.remove();
    expect((await tokens.create(ADA)).isWhiteLabel).toBe(true);
  });
});

describe('the page count in a store that instances share', () => {
  it('lets the first token of a new process fetch all pages in one round trip', async () => {
    const store = new Keyv();
    pica.integrations = 1000;
    await (await createService({ store })).create(ADA);
    const before = pica.requests.length;
    pica.fault({ page: 1, hang: true });
    const token = (await createService({ store })).create(ADA, {
      signal: AbortSignal.timeout(500),
    });
    token.catch(() => {});
    await until(() => pica.requests.length === before + 7);
    await expect(token).rejects.toMatchObject({ reason: 'cancelled' });
  });

  it('is kept for a day, and written again after 12 hours, not by each token', async () => {
    const writes: [key: string, ttl: number][] = [];
    const keyv = new Keyv();
    const store = {
      get: (key: string) => keyv.get(key),
      set: (key: string, value: unknown, ttl: number) => {
        if (key.includes(':pages:')) writes.push([key, ttl]);
        return keyv.set(key, value, ttl);
      },
      delete: (key: string) => keyv.delete(key),
    };
    const tokens = await createService({ store });
    for (const identity of [ADA, BOB, ADA]) await tokens.create(identity);
    const write = [expect.any(String), 86_400_000];
    expect(writes).toEqual([write]);
    advanceClock(12.1 * 3_600_000);
    for (const identity of [ADA, BOB, ADA]) await tokens.create(identity);
    expect(writes).toEqual([write, write]);
  });

  it('causes at most `concurrency` requests before the first response, however high it is', async () => {
    const store = {
      get: (key: string) => (key.includes(':pages:') ? 100 : undefined),
      set: () => {},
      delete: () => {},
    };
    const tokens = await createService({ store }, { concurrency: 3 });
    pica.fault({ page: 1, delay: 300 });
    await tokens.create(ADA);
    expect(
      requestNames(pica).filter((name) => name !== 'flags').length,
    ).toBeLessThanOrEqual(3);
  });

  it.each([300_000, -1, 1.5, 'many', { length: 9 }])(
    'costs `maxPages` requests at most when the store returns %j',
    async (hint) => {
      const store = {
        get: (key: string) => (key.includes(':pages:') ? hint : undefined),
        set: () => {},
        delete: () => {},
      };
      const tokens = await createService({ store }, { maxPages: 4 });
      expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
      expect(pica.requests.length).toBeLessThanOrEqual(5);
    },
  );
});
