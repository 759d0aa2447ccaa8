import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import type {
  AuthKitCacheOptions,
  AuthKitModuleOptions,
} from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { callsTo } from '../support/calls.js';
import { stopApps } from '../support/run-app.js';
import { reasonOf, tokenService } from '../support/token-service.js';
import { until } from '../support/until.js';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start();
});
beforeEach(() => {
  pica.reset();
  pica.integrations = 247;
  pica.whiteLabel = true;
  pica.latency = 0;
});
afterEach(() => stopApps());
afterAll(() => pica.stop());

const ADA = { identity: 'ada' };
const BOB = { identity: 'bob' };
const EVERYTHING = { flags: true, catalogue: true };
const ALL_CALLS = ['flags', 'page 1', 'page 2', 'page 3'];

const service = (
  cache: AuthKitCacheOptions | undefined,
  options: Partial<AuthKitModuleOptions> = {},
) => tokenService(pica, { cache, ...options });

/** What `tokens` answers, and which calls it took. */
async function ask(
  tokens: Awaited<ReturnType<typeof service>>,
  ...of: Parameters<typeof tokens.create>
) {
  pica.reset();
  const token = await tokens.create(...of);
  return { token, calls: callsTo(pica) };
}

describe.each<[string, () => AuthKitCacheOptions['store']]>([
  ['the memory of the instance', () => 'memory'],
  ['a Keyv', () => new Keyv()],
  ['a cache-manager Cache', () => createCache()],
])('with %s as store', (_name, store) => {
  it.each([true, false])(
    'a token costs one call once flags and catalogue are known, with pageHint: %s',
    async (pageHint) => {
      const tokens = await service(
        { store: store(), ...EVERYTHING },
        { pageHint },
      );
      const first = await ask(tokens, ADA);
      expect(first.calls).toEqual(ALL_CALLS);
      for (const who of [ADA, BOB]) {
        const { token, calls } = await ask(tokens, who);
        expect(calls).toEqual(['page 1']);
        expect(token).toEqual({
          ...first.token,
          requestId: expect.any(String),
        });
        expect(token.rows).toEqual(pica.rows);
        expect(token.isWhiteLabel).toBe(true);
      }
    },
  );

  it('flags alone save the flags, the catalogue alone its further pages', async () => {
    const flags = await service({ store: store(), flags: true });
    await flags.create(ADA);
    expect((await ask(flags, ADA)).calls).toEqual([
      'page 1',
      'page 2',
      'page 3',
    ]);
    const catalogue = await service({ store: store(), catalogue: true });
    await catalogue.create(ADA);
    expect((await ask(catalogue, ADA)).calls).toEqual(['flags', 'page 1']);
  });

  it('what is kept is asked for again after its ttl', async () => {
    const tokens = await service({ store: store(), ttl: 80, ...EVERYTHING });
    await tokens.create(ADA);
    await new Promise((resolve) => setTimeout(resolve, 120));
    pica.whiteLabel = false;
    const { token, calls } = await ask(tokens, ADA);
    expect(calls).toEqual(ALL_CALLS);
    expect(token.isWhiteLabel).toBe(false);
  });
});

describe('without its being asked for', () => {
  it.each([undefined, {}])('nothing is kept (%j)', async (cache) => {
    const tokens = await service(cache);
    await tokens.create(ADA);
    expect((await ask(tokens, ADA)).calls).toEqual(ALL_CALLS);
  });
});

describe('each identity', () => {
  it('gets a requestId of its own, that of its page 1, on a hit and on a miss', async () => {
    const names = new Map<string, string>();
    const spy = await PicaEmulator.start({
      requestId: ({ body, query }) => {
        const { identity } = body as { identity: string };
        const id = `${identity}, page ${query.page}`;
        names.set(id, identity);
        return id;
      },
    });
    const tokens = await tokenService(spy, { cache: EVERYTHING });
    const people = Array.from({ length: 20 }, (_, index) => `user ${index}`);
    for (const _round of ['miss', 'hit']) {
      const given = await Promise.all(
        people.map((identity) => tokens.create({ identity })),
      );
      expect(given.map(({ requestId }) => requestId)).toEqual(
        people.map((identity) => `${identity}, page 1`),
      );
    }
    await spy.stop();
  });

  it('asks for page 1 in its own name', async () => {
    const tokens = await service(EVERYTHING);
    await tokens.create(ADA);
    pica.reset();
    await tokens.create({ identity: 'acme', identityType: 'team' });
    expect(pica.requests.map(({ body }) => body)).toEqual([
      { identity: 'acme', identityType: 'team' },
    ]);
  });

  it('gets rows of its own: what an app does to them reaches nobody else', async () => {
    const tokens = await service(EVERYTHING);
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

describe('the catalogue', () => {
  it.each([
    [247, 347],
    [247, 120],
    [247, 20],
    [247, 0],
    [20, 247],
    [247, 248],
    [1000, 999],
  ])('of %d that becomes %d is right at once', async (before, after) => {
    pica.integrations = before;
    const tokens = await service(EVERYTHING);
    await tokens.create(ADA);
    await tokens.create(ADA);
    pica.integrations = after;
    for (const _ of ['changed', 'known', 'known']) {
      const token = await tokens.create(ADA);
      expect(token.rows).toEqual(pica.rows);
      expect(token).toMatchObject({ total: after, page: 1 });
    }
    expect((await ask(tokens, ADA)).calls).toEqual(['page 1']);
  });

  it('is dropped where page 1 tells of another, and not believed when the old number comes back', async () => {
    const tokens = await service(EVERYTHING);
    await tokens.create(ADA);
    pica.integrations = 300;
    pica.fault({ page: 2, status: 404 });
    expect(await reasonOf(tokens.create(ADA))).toBe('rejected');
    pica.integrations = 247;
    const { calls } = await ask(tokens, ADA);
    expect(calls).toEqual(['page 1', 'page 2', 'page 3']);
  });

  it.each([350, 130])(
    'that becomes %d during a token is not kept',
    async (after) => {
      const tokens = await service(EVERYTHING);
      pica.fault({
        page: 2,
        when: () => {
          pica.integrations = after;
          return false;
        },
        delay: 1,
      });
      const torn = await tokens.create(ADA);
      expect(torn.total).toBe(247);
      pica.reset();
      const token = await tokens.create(ADA);
      expect(token.rows).toEqual(pica.rows);
      expect(token.total).toBe(after);
    },
  );

  it('is kept apart by secret key, baseUrl and pageSize, in one store', async () => {
    const store = new Keyv();
    const cache = { store, ...EVERYTHING };
    const other = await PicaEmulator.start({ integrations: 247 });
    other.integrations = other.rows.map((row) => ({ ...row, title: 'other' }));
    await (await service(cache)).create(ADA);
    const elsewhere = await tokenService(other, { cache });
    const token = await elsewhere.create(ADA);
    expect(token.rows).toEqual(other.rows);
    expect(token.isWhiteLabel).toBe(false);
    expect(callsTo(other)).toEqual(ALL_CALLS);
    const { calls } = await ask(await service(cache, { pageSize: 50 }), ADA);
    expect(calls).toEqual(['page 1', 'page 2', 'page 3', 'page 4', 'page 5']);
    let key = pica.secretKey;
    const tenants = await service(cache, { secretKey: () => key });
    expect((await ask(tenants, ADA)).calls).toEqual(['page 1']);
    key = 'sk_test_another_tenant';
    expect(await reasonOf(tenants.create(ADA))).toBe('secret_rejected');
    await other.stop();
  });

  it('of more than maxPages is not believed, from a store either', async () => {
    const store = new Keyv();
    await (await service({ store, ...EVERYTHING })).create(ADA);
    const strict = await service({ store, ...EVERYTHING }, { maxPages: 2 });
    expect(await reasonOf(strict.create(ADA))).toBe('malformed');
  });

  it('keeps what a page says beyond the first to itself, unknown fields included', async () => {
    const store = new Keyv();
    pica.fault({
      method: 'POST',
      transform: (page) => ({ ...page, whose: 'ada' }),
    });
    const tokens = await service({ store, ...EVERYTHING });
    await tokens.create(ADA);
    pica.reset();
    const token = await tokens.create(BOB);
    expect(token).not.toHaveProperty('whose');
    expect(JSON.stringify([...store.store.values()])).not.toContain('whose');
    expect(JSON.stringify([...store.store.values()])).not.toContain('req_');
  });
});

describe('pages that are asked for alone', () => {
  it('are never kept; the flags may be', async () => {
    const tokens = await service(EVERYTHING);
    await tokens.create(ADA);
    for (const _ of [1, 2]) {
      const { token, calls } = await ask(tokens, ADA, { page: 2, limit: 100 });
      expect(calls).toEqual(['page 2']);
      expect(token.requestId).toEqual(expect.any(String));
      expect(token.rows).toEqual(pica.rows.slice(100, 200));
    }
  });

  it('and those of One neither, which has no flags', async () => {
    const one = await PicaEmulator.start({ vendor: 'one' });
    const tokens = await tokenService(one, { cache: EVERYTHING });
    const given = [
      await tokens.create(ADA, { page: 1, limit: 100 }),
      await tokens.create(BOB, { page: 1, limit: 100 }),
    ];
    expect(callsTo(one)).toEqual(['page 1', 'page 1']);
    expect(given[0]!.requestId).not.toBe(given[1]!.requestId);
    one.reset();
    const all = await tokens.create(ADA);
    expect(await tokens.create(BOB)).toEqual({
      ...all,
      requestId: expect.any(String),
    });
    expect(all.rows).toEqual(one.rows);
    expect(callsTo(one)).toEqual(['page 1', 'page 1', 'page 2', 'page 3']);
    await one.stop();
  });
});

describe('flags that fail', () => {
  it('are not kept', async () => {
    const tokens = await service(EVERYTHING);
    const failing = pica.fault({ path: '/v1/users/flags', status: 404 });
    expect((await tokens.create(ADA)).isWhiteLabel).toBe(false);
    failing.remove();
    const { token, calls } = await ask(tokens, ADA);
    expect(calls).toEqual(['flags', 'page 1']);
    expect(token.isWhiteLabel).toBe(true);
  });
});

describe('of 50 tokens at the same time', () => {
  const people = Array.from({ length: 50 }, (_, index) => ({
    identity: `user-${index}`,
  }));
  const counted = () => {
    const counts: Record<string, number> = {};
    for (const call of callsTo(pica)) counts[call] = (counts[call] ?? 0) + 1;
    return counts;
  };
  const ONE_FETCH = { flags: 1, 'page 1': 50, 'page 2': 1, 'page 3': 1 };

  it.each([
    ['unknown', 'memory' as const, 0],
    ['unknown', 'a Keyv', 0],
    ['known by its number of pages', 'memory' as const, 150],
    ['known by its number of pages', 'a Keyv', 150],
  ])('one fetches what is %s, with %s as store', async (_name, kind, ttl) => {
    const store = kind === 'memory' ? kind : new Keyv();
    const tokens = await service({
      store,
      ...EVERYTHING,
      ...(ttl > 0 && { ttl }),
    });
    if (ttl > 0) {
      await tokens.create(ADA);
      await new Promise((resolve) => setTimeout(resolve, ttl + 50));
      pica.reset();
    }
    pica.latency = 20;
    const given = await Promise.all(people.map((who) => tokens.create(who)));
    expect(counted()).toEqual(ONE_FETCH);
    for (const { rows } of given) expect(rows).toEqual(pica.rows);
    expect(new Set(given.map(({ requestId }) => requestId)).size).toBe(50);
  });

  it('those that are cancelled take nothing from the others', async () => {
    const tokens = await service(EVERYTHING);
    pica.fault({ method: 'GET', delay: 1_500 });
    pica.fault({ page: 2, delay: 1_500 });
    const impatient = new AbortController();
    const first = reasonOf(tokens.create(ADA, { signal: impatient.signal }));
    await until(() => callsTo(pica).includes('page 2'));
    const others = people.map((who) => tokens.create(who));
    await until(() => counted()['page 1'] === 51);
    await new Promise((resolve) => setTimeout(resolve, 50));
    impatient.abort();
    expect(await first).toBe('cancelled');
    for (const { rows, isWhiteLabel } of await Promise.all(others)) {
      expect(rows).toEqual(pica.rows);
      expect(isWhiteLabel).toBe(true);
    }
    expect(counted()).toEqual({ ...ONE_FETCH, 'page 1': 51 });
  });

  it('those whose time is up take nothing from those who came later', async () => {
    const tokens = await service(EVERYTHING, {
      timeout: 1_000,
      attemptTimeout: 700,
    });
    // The first one's page 2 fails for good within its own time, and not within the second one's.
    pica.fault({ page: 2, times: 1, delay: 5_000 });
    pica.fault({ page: 2, times: 1, delay: 500 });
    const first = reasonOf(tokens.create(ADA));
    await until(() => callsTo(pica).includes('page 2'));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const second = tokens.create(BOB);
    expect(await first).toBe('timed_out');
    expect((await second).rows).toEqual(pica.rows);
  });

  it('nothing is asked for any longer once all have gone', async () => {
    const tokens = await service(EVERYTHING);
    pica.fault({ page: 2, hang: true });
    const caller = new AbortController();
    const gone = [ADA, BOB].map((who) =>
      reasonOf(tokens.create(who, { signal: caller.signal })),
    );
    await until(() => callsTo(pica).includes('page 2'));
    caller.abort();
    expect(await Promise.all(gone)).toEqual(['cancelled', 'cancelled']);
    pica.reset();
    expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
  });

  it('a page that fails fails those who wait for it, and the next token asks again', async () => {
    const tokens = await service(EVERYTHING);
    pica.latency = 20;
    pica.fault({ page: 2, status: 400 });
    const reasons = await Promise.all(
      people.map((who) => reasonOf(tokens.create(who))),
    );
    expect(new Set(reasons)).toEqual(new Set(['rejected']));
    pica.reset();
    expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
  });
});
