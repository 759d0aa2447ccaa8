import { setTimeout as sleep } from 'node:timers/promises';
import { Keyv } from 'keyv';
import {
  redisStore,
  type AuthKitCacheStore,
  type AuthKitRedisClient,
} from '../../lib/index.js';
import { createApp, createTokenService, startApp } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { requestNames, useEmulator } from '../support/emulator.js';
import { requestGrant, requestToken } from '../support/http.js';
import { captureWarnings } from '../support/mocks.js';
import { CLIENTS, connect } from './clients.js';
import { RedisServer } from './redis-server.js';

const pica = useEmulator({ integrations: 300, whiteLabel: true });
const ADA = { identity: 'ada' };

let redis: RedisServer;
beforeEach(async () => {
  redis = await RedisServer.start();
  afterTest(() => redis.kill());
});

/** A store with all its methods. */
type Store = Required<Pick<AuthKitCacheStore, 'get' | 'set' | 'add'>> & {
  delete(key: string): unknown;
};
const storeOf = (client: AuthKitRedisClient) => redisStore(client) as Store;

describe.each(CLIENTS)('redisStore() of a client of %s', (name) => {
  let client: AuthKitRedisClient;
  let store: Store;
  beforeEach(async () => {
    client = await connect(name, redis.url);
    store = storeOf(client);
  });

  it('gets what was set until its time to live has passed or it is deleted', async () => {
    const value = { rows: 'ä€😀', total: 1, nested: [{ deep: null }] };
    await store.set('a', value, 60_000);
    await store.set('b', value, 0.5);
    await store.set('c', true, 60_000);
    expect(await store.get('a')).toEqual(value);
    expect(await store.get('c')).toBe(true);
    await store.delete('c');
    await sleep(20);
    for (const missing of ['b', 'c', 'd']) {
      expect(await store.get(missing)).toBeUndefined();
    }
  });

  it('adds a key for one of 50 concurrent callers, and again after its time to live', async () => {
    const other = storeOf(await connect(name, redis.url));
    const added = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        [store, other][index % 2]!.add('a', true, 500),
      ),
    );
    expect(added.filter((each) => each === true)).toHaveLength(1);
    expect(added.filter((each) => each === false)).toHaveLength(49);
    await sleep(550);
    expect(await store.add('a', true, 500)).toBe(true);
  });

  it('counts a key as added when the client has sent the command twice', async () => {
    const twice = new Proxy(client, {
      get(target, property) {
        const method: unknown = Reflect.get(target, property);
        if (typeof method !== 'function') return method;
        const call = method.bind(target) as (...args: unknown[]) => unknown;
        if (property !== 'set') return call;
        return async (...args: unknown[]) => {
          await call(...args);
          return call(...args);
        };
      },
    });
    expect(await storeOf(twice).add('a', true, 60_000)).toBe(true);
    expect(await storeOf(twice).add('a', true, 60_000)).toBe(false);
    expect(await store.add('a', true, 60_000)).toBe(false);
  });

  it('refuses a value of more than 4 MB before it reads it, and stores none', async () => {
    const read: string[] = [];
    const watched = storeOf(
      new Proxy(client, {
        get(target, property) {
          const method: unknown = Reflect.get(target, property);
          if (typeof method !== 'function') return method;
          const call = method.bind(target) as (...args: unknown[]) => unknown;
          return (...args: unknown[]) => {
            if (property === 'get') read.push(String(args[0]));
            return call(...args);
          };
        },
      }),
    );
    const huge = JSON.stringify('x'.repeat(4_000_000));
    const raw = client as unknown as {
      set(key: string, value: string): Promise<unknown>;
    };
    await raw.set('a', huge);
    await expect(watched.get('a')).rejects.toMatchObject({
      code: 'VALUE_TOO_LARGE',
    });
    expect(await watched.add('a', true, 1_000)).toBe(false);
    expect(read).toEqual([]);

    await store.set('b', 1, 60_000);
    await store.set('b', 'x'.repeat(4_000_000), 60_000);
    expect(await store.get('b')).toBeUndefined();
  });

  it('serves the cache of two instances', async () => {
    const options = { cache: { store, integrations: true } };
    const one = await createTokenService(pica, options);
    const other = await createTokenService(pica, {
      cache: {
        store: redisStore(await connect(name, redis.url)),
        integrations: true,
      },
    });
    await one.create(ADA);
    await sleep(100);
    const before = pica.requests.length;
    const token = await other.create(ADA);
    expect(token.rows).toEqual(pica.rows);
    expect(token.isWhiteLabel).toBe(true);
    const requests = pica.requests.slice(before);
    expect(requestNames({ requests })).toEqual(['page 1']);
  });

  it('lets a single-use grant give one token across instances, and none to a replay', async () => {
    const start = async () => {
      const { tokenUrl } = await startApp({
        pica,
        options: {
          cache: { store: redisStore(await connect(name, redis.url)) },
          grant: { singleUse: true },
        },
        controller: { grants: true },
      });
      return tokenUrl;
    };
    const urls = [await start(), await start()];
    const { body: grant } = await requestGrant(urls[0]!);
    const responses = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        requestToken(urls[index % 2]!, grant),
      ),
    );
    const statuses = responses.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(49);
  });

  it('costs at most a pause of 250 ms and a warning while Redis is down, and serves again after it is back', async () => {
    const warnings = captureWarnings();
    const { tokens, close } = await createApp({
      pica,
      options: { cache: { store: redisStore(client), integrations: true } },
    });
    await tokens.create(ADA);
    await redis.kill();
    await sleep(50);
    for (let index = 0; index < 5; index += 1) {
      const started = performance.now();
      const token = await tokens.create(ADA);
      expect(token.rows).toEqual(pica.rows);
      // 250 ms for Redis, and the rest for a busy machine.
      expect(performance.now() - started).toBeLessThan(1_500);
    }
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/The store of the cache (failed|did not)/);
    await redis.run();
    let requests = Infinity;
    while (requests > 1) {
      await sleep(200);
      const before = pica.requests.length;
      await tokens.create(ADA);
      requests = pica.requests.length - before;
    }
    await close();
  });
});

it.each([
  ['nothing', undefined],
  ['a URL', 'redis://localhost:6379'],
  ['a Keyv', new Keyv()],
  ['an empty object', {}],
])(
  'redisStore() of %s throws an error that says what to pass',
  (_name, client) => {
    expect(() => redisStore(client as never)).toThrow(
      /^redisStore\(\): given (?!.*localhost).*; expected a client of the package redis \(createClient\(\)\) or ioredis/,
    );
  },
);
