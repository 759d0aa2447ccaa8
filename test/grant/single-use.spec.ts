import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { Keyv } from 'keyv';
import type { GrantClaims } from '../../lib/grant/grant-jwt.js';
import { ResilientStore } from '../../lib/cache/resilient-store.js';
import {
  MemoryGrantReplayStore,
  SharedGrantReplayStore,
} from '../../lib/grant/grant-replay-store.js';
import {
  AuthKitException,
  type AuthKitCacheStore,
  type AuthKitIdentity,
} from '../../lib/index.js';
import { PLATFORMS, startApp, type TestOptions } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { requestGrant, requestToken, WIDGET } from '../support/http.js';
import { captureWarnings } from '../support/mocks.js';
import { until } from '../support/until.js';

const pica = useEmulator({ integrations: 1 });

/** The claims of a verified grant of an identity. */
const claims = (
  jti: string,
  remaining = 400,
  identity: AuthKitIdentity = { identity: 'ada' },
): GrantClaims => ({
  identity,
  jti,
  remaining,
  acceptedUntil: Date.now() + remaining,
});

describe.each(PLATFORMS)('on %s', (platform) => {
  const start = (singleUse?: boolean) =>
    startApp({
      pica,
      platform,
      options: { grant: { singleUse } },
      controller: { grants: true },
    });

  it('a single-use grant gives a token to exactly one of 50 concurrent requests', async () => {
    const { tokenUrl } = await start(true);
    const { body: grant } = await requestGrant(tokenUrl);
    const responses = await Promise.all(
      Array.from({ length: 50 }, () => requestToken(tokenUrl, grant)),
    );
    const refused = responses.filter(({ status }) => status === 401);
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(refused).toHaveLength(49);
    expect(refused[0]?.body).toMatchObject({
      reason: 'unidentified',
      message: expect.stringMatching(/used already.*open the dialog again/i),
    });
    const { body: next } = await requestGrant(tokenUrl);
    expect((await requestToken(tokenUrl, next)).status).toBe(200);
  });

  it('a single-use grant is not used up by a token that fails', async () => {
    const { tokenUrl } = await start(true);
    const { body: grant } = await requestGrant(tokenUrl);
    pica.fault({ path: '/v1/authkit', status: 400 });
    expect((await requestToken(tokenUrl, grant)).status).toBe(502);
    pica.reset();
    expect((await requestToken(tokenUrl, grant)).status).toBe(200);
    expect((await requestToken(tokenUrl, grant)).status).toBe(401);
  });

  it('a single-use grant is not used up by a client that disconnects before the token is sent', async () => {
    const { tokenUrl } = await start(true);
    const { body: grant } = await requestGrant(tokenUrl);
    pica.fault({ hang: true });
    const client = new AbortController();
    const lost = requestToken(tokenUrl, { ...grant, signal: client.signal });
    await until(() => pica.requests.length > 0);
    // It is reserved for the first request for as long as that runs.
    expect((await requestToken(tokenUrl, grant)).status).toBe(401);
    client.abort();
    await expect(lost).rejects.toThrow();
    await until(() => pica.requests.every(({ aborted }) => aborted));
    pica.reset();
    await sleep(50);
    expect((await requestToken(tokenUrl, grant)).status).toBe(200);
  });

  it('a single-use grant is not used up by OPTIONS requests, with the headers of a preflight and without', async () => {
    const { tokenUrl } = await start(true);
    const { body: grant } = await requestGrant(tokenUrl);
    const { headers } = grant;
    const asked = { origin: WIDGET, 'access-control-request-method': 'POST' };
    for (const more of [{}, asked]) {
      await fetch(tokenUrl, {
        method: 'OPTIONS',
        headers: { ...headers, ...more },
      });
    }
    expect((await requestToken(tokenUrl, grant)).status).toBe(200);
  });

  it('a single-use grant gives no token where another instance uses it up while the token is created', async () => {
    let added = 0;
    const store: AuthKitCacheStore = {
      get: async () => undefined,
      set: async () => true,
      delete: async () => true,
      // The reservation is new; the mark of the used grant is not.
      add: async () => {
        added += 1;
        return added === 1;
      },
    };
    const { tokenUrl } = await startApp({
      pica,
      platform,
      options: { grant: { singleUse: true }, cache: { store } },
      controller: { grants: true },
    });
    const { body: grant } = await requestGrant(tokenUrl);
    const { status, body } = await requestToken(tokenUrl, grant);
    expect(status).toBe(401);
    expect(body).not.toHaveProperty('rows');
    expect(pica.requests).not.toHaveLength(0);
  });

  it('a replay of a used grant makes no request to Pica', async () => {
    const { tokenUrl } = await start(true);
    const { body: grant } = await requestGrant(tokenUrl);
    expect((await requestToken(tokenUrl, grant)).status).toBe(200);
    const before = pica.requests.length;
    expect((await requestToken(tokenUrl, grant)).status).toBe(401);
    expect(pica.requests).toHaveLength(before);
  });

  it('a grant gives any number of tokens by default', async () => {
    const { tokenUrl } = await start();
    const { body: grant } = await requestGrant(tokenUrl);
    const responses = await Promise.all(
      Array.from({ length: 5 }, () => requestToken(tokenUrl, grant)),
    );
    expect(responses.map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 200,
    ]);
  });
});

describe('with a store, a single-use grant', () => {
  /** Starts an instance of an app and returns the URL of its token endpoint. */
  const start = async (store: AuthKitCacheStore, options?: TestOptions) => {
    const { tokenUrl } = await startApp({
      pica,
      options: { cache: { store }, grant: { singleUse: true }, ...options },
      controller: { grants: true },
    });
    return tokenUrl;
  };

  /** How many of 50 concurrent requests with one grant, spread over instances, get a token. */
  const accepted = async (...tokenUrls: string[]) => {
    const { body: grant } = await requestGrant(tokenUrls[0]!);
    const responses = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        requestToken(tokenUrls[index % tokenUrls.length]!, grant),
      ),
    );
    return responses.filter(({ status }) => status === 200).length;
  };

  /**
   * Connects two instances to a store with an atomic `add()`, as Redis has it,
   * that returns one value or the other. Once an instance is dead, nothing that
   * it does reaches the store.
   */
  const connectTwo = (added: unknown = true, exists: unknown = false) => {
    const entries = new Map<string, { value: unknown; expiresAt: number }>();
    const get = (key: string) => {
      const entry = entries.get(key);
      return entry && entry.expiresAt > Date.now() ? entry.value : undefined;
    };
    const set = (key: string, value: unknown, ttl: number) =>
      void entries.set(key, { value, expiresAt: Date.now() + ttl });
    const connect = () => {
      const instance = { isDead: false };
      const alive =
        <A extends unknown[]>(operation: (...args: A) => unknown) =>
        (...args: A) => {
          if (instance.isDead) throw new Error('dead');
          return operation(...args);
        };
      return Object.assign(instance, {
        get: alive(get),
        set: alive(set),
        delete: alive((key: string) => entries.delete(key)),
        add: alive((key: string, value: unknown, ttl: number) => {
          if (get(key) !== undefined) return exists;
          set(key, value, ttl);
          return added;
        }) as Required<AuthKitCacheStore>['add'],
      });
    };
    return [connect(), connect()] as const;
  };

  it('gives one token within an instance', async () => {
    expect(await accepted(await start(new Keyv()))).toBe(1);
  });

  it('gives one token across instances when the store has an atomic add()', async () => {
    const [one, other] = connectTwo();
    expect(await accepted(await start(one), await start(other))).toBe(1);
  });

  it('is refused by an instance after another has accepted it, when the store has no add()', async () => {
    const store = new Keyv();
    const [one, other] = [await start(store), await start(store)];
    const { body: grant } = await requestGrant(one);
    expect((await requestToken(one, grant)).status).toBe(200);
    expect((await requestToken(other, grant)).status).toBe(401);
  });

  it.each([
    ['OK', null],
    [1, 0],
  ])(
    'is refused with a warning when add() returns %j and %j instead of true and false',
    async (added, exists) => {
      const warnings = captureWarnings();
      const [store] = connectTwo(added, exists);
      expect(await accepted(await start(store))).toBe(0);
      expect(warnings.join('\n')).toMatch(
        /neither true nor false from add\(\)/,
      );
    },
  );

  it('is free again in every instance after a token that fails, and makes no request to Pica once it is used', async () => {
    const stores = connectTwo();
    const [one, other] = [await start(stores[0]), await start(stores[1])];
    const { body: grant } = await requestGrant(one);
    pica.fault({ path: '/v1/authkit', status: 400 });
    expect((await requestToken(one, grant)).status).toBe(502);
    pica.reset();
    expect((await requestToken(other, grant)).status).toBe(200);
    const before = pica.requests.length;
    for (const url of [one, other]) {
      expect((await requestToken(url, grant)).status).toBe(401);
    }
    expect(pica.requests).toHaveLength(before);
  });

  it('is free again in another instance when the lease of an instance that died has ended', async () => {
    captureWarnings();
    const stores = connectTwo();
    const settings = { timeout: 300, attemptTimeout: 300 };
    const [dead, other] = [
      await start(stores[0], settings),
      await start(stores[1], settings),
    ];
    const { body: grant } = await requestGrant(dead);
    pica.fault({ hang: true });
    const lost = requestToken(dead, grant);
    await until(() => pica.requests.length > 0);
    stores[0].isDead = true;
    expect((await requestToken(other, grant)).status).toBe(401);
    await lost;
    pica.reset();
    expect((await requestToken(other, grant)).status).toBe(401);
    await sleep(1_400);
    expect((await requestToken(other, grant)).status).toBe(200);
  });

  it('stays used when an instance that the store has failed gives its own reservation back', async () => {
    captureWarnings();
    const stores = connectTwo();
    const [blind, other] = stores.map(
      (store) => new SharedGrantReplayStore(new ResilientStore(store, 60_000)),
    );
    const grant = claims('a', 60_000);
    stores[0].isDead = true;
    const unseen = await blind?.reserve(grant, 1_000);
    expect(await (await other?.reserve(grant, 1_000))?.commit()).toBe(true);
    // It cannot know better. Its client is gone before it has the token.
    expect(await unseen?.commit()).toBe(true);
    stores[0].isDead = false;
    await unseen?.release();
    const third = new SharedGrantReplayStore(
      new ResilientStore(stores[0], 60_000),
    );
    expect(await third.reserve(grant, 1_000)).toBeUndefined();
  });

  const fail = () => {
    throw new Error('down');
  };
  const hang = () => new Promise<never>(() => {});
  it.each<[string, AuthKitCacheStore]>([
    ['fails', { get: fail, set: fail, delete: fail }],
    [
      'fails, add() included',
      { get: fail, set: fail, delete: fail, add: fail },
    ],
    ['hangs', { get: hang, set: hang, delete: hang, add: hang }],
  ])(
    'gives one token in each instance while the store %s',
    async (_name, store) => {
      expect(await accepted(await start(store))).toBe(1);
    },
  );
});

describe('the replay store in memory', () => {
  const rateLimited = { reason: 'rate_limited', retryAfter: 1 };

  it('accepts an id again after its time to live, and not before', async () => {
    const store = new MemoryGrantReplayStore();
    expect(await store.consume(claims('a'))).toBe(true);
    expect(await store.consume(claims('a'))).toBe(false);
    await sleep(450);
    expect(await store.consume(claims('b'))).toBe(true);
    expect(await store.consume(claims('a'))).toBe(true);
  });

  it.each([
    ['back by an hour, after the time to live', 600_000, -3_600_000],
    ['on by an hour, before the time to live', 100, 3_600_000],
  ])(
    'refuses an id when the wall clock is set %s',
    async (_name, passed, change) => {
      const now = { monotonic: performance.now(), wall: Date.now() };
      const clocks = [
        jest.spyOn(performance, 'now').mockImplementation(() => now.monotonic),
        jest.spyOn(Date, 'now').mockImplementation(() => now.wall),
      ];
      afterTest(() => clocks.forEach((clock) => clock.mockRestore()));
      const store = new MemoryGrantReplayStore();
      const grant = claims('a', 300_000);
      expect(await store.consume(grant)).toBe(true);
      now.monotonic += passed;
      now.wall += change;
      expect(await store.consume(grant)).toBe(false);
      expect(await store.reserve(grant, 1_000)).toBeUndefined();
    },
  );

  it('rejects new ids as rate_limited when it is full, instead of forgetting one', async () => {
    const store = new MemoryGrantReplayStore(2);
    expect(await store.consume(claims('a'))).toBe(true);
    expect(await store.consume(claims('b'))).toBe(true);
    const third = store.consume(claims('c'));
    await expect(third).rejects.toBeInstanceOf(AuthKitException);
    await expect(third).rejects.toMatchObject(rateLimited);
    await expect(store.reserve(claims('c'), 400)).rejects.toMatchObject(
      rateLimited,
    );
    expect(await store.consume(claims('a'))).toBe(false);
    await sleep(450);
    expect(await store.consume(claims('c'))).toBe(true);
  });

  it('makes space of expired ids behind one that lasts longer', async () => {
    const store = new MemoryGrantReplayStore(2);
    expect(await store.consume(claims('a', 60_000))).toBe(true);
    expect(await store.consume(claims('b'))).toBe(true);
    await sleep(450);
    expect(await store.consume(claims('c'))).toBe(true);
    expect(await store.consume(claims('a', 60_000))).toBe(false);
  });

  it('rejects the 1001st id of an identity as rate_limited, and accepts those of every other tenant, type and identity', async () => {
    const store = new MemoryGrantReplayStore();
    const ada = { identity: 'ada', tenant: 'acme' };
    for (let index = 0; index < 1_000; index += 1) {
      await store.consume(claims(`${index}`, 60_000, ada));
    }
    const next = claims('next', 60_000, { ...ada, identityType: 'user' });
    await expect(store.consume(next)).rejects.toMatchObject(rateLimited);
    const others: AuthKitIdentity[] = [
      { identity: 'ada' },
      { ...ada, tenant: 'other' },
      { ...ada, identityType: 'team' },
      { ...ada, identity: 'bob' },
    ];
    for (const [index, other] of others.entries()) {
      const grant = claims(`other-${index}`, 60_000, other);
      expect(await store.consume(grant)).toBe(true);
    }
  });

  it('frees a reservation after its lease, and lets one of two reservations of a grant commit', async () => {
    const store = new MemoryGrantReplayStore();
    const grant = claims('a', 60_000);
    const first = await store.reserve(grant, 300);
    expect(await store.reserve(grant, 300)).toBeUndefined();
    await sleep(350);
    const second = await store.reserve(grant, 60_000);
    expect(await first?.commit()).toBe(true);
    expect(await second?.commit()).toBe(false);
    await second?.release();
    expect(await store.consume(grant)).toBe(false);
  });
});
