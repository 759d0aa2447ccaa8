import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Keyv } from 'keyv';
import { createClient } from 'redis';
import type {
  AuthKitCacheOptions,
  AuthKitCacheStore,
} from '../../lib/index.js';
import { bootError, createApp, createTokenService } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { captureWarnings } from '../support/mocks.js';

const pica = useEmulator();
const ADA = { identity: 'ada' };

/** Everything that can be cached, in a store. */
const cacheIn = (store: AuthKitCacheStore) => ({
  cache: { store, flags: true, integrations: true },
});
const createService = (store: AuthKitCacheStore) =>
  createTokenService(pica, cacheIn(store));

const throws = () => {
  throw Object.assign(new Error('redis://:password@host'), {
    code: 'ECONNREFUSED',
  });
};
const rejects = async () => throws();
const rejectsWithGetter = async () => {
  throw {
    get code() {
      throw new Error('redis://:password@host');
    },
  };
};
const hangs = () => new Promise<never>(() => {});

/** What a store does, as it reads after "when the store …", and the warning. */
const FAILING: [name: string, store: AuthKitCacheStore, warning: RegExp][] = [
  [
    'throws',
    { get: throws, set: throws, delete: throws },
    /failed \(ECONNREFUSED\)/,
  ],
  [
    'rejects',
    { get: rejects, set: rejects, del: rejects },
    /failed \(ECONNREFUSED\)/,
  ],
  [
    'rejects with an object whose code cannot be read',
    { get: rejectsWithGetter, set: rejectsWithGetter, del: rejectsWithGetter },
    /failed: tokens/,
  ],
  ['hangs', { get: hangs, set: hangs, delete: hangs }, /within 250 ms/],
  ...[
    42,
    'junk',
    true,
    [],
    [42],
    {},
    { authkitWhitelist: 'yes' },
    [{ rows: [1, 2], total: 247, pages: 3 }],
    [{ rows: 'none', total: 247, pages: 3 }],
    // Text that would change other fields of the token, and objects that a Buffer could be made from.
    [{ rows: '{"id":1}],"isWhiteLabel":[', total: 247, pages: 3 }],
    [{ rows: '{"id":1', total: 247, pages: 3 }],
    [{ rows: { length: 2_000_000_000 }, total: 247, pages: 3 }],
    [{ rows: ' '.repeat(5_000_000), total: 247, pages: 3 }],
    [null],
    [{ rows: [{ ['__proto__']: {} }], total: 247, pages: 'three' }],
  ].map((value): (typeof FAILING)[number] => [
    `returns ${JSON.stringify(value).slice(0, 80)}`,
    { get: () => value, set: () => {}, delete: () => {} },
    /returned an invalid value/,
  ]),
];

it.each(FAILING)(
  'tokens are complete and one warning is logged when the store %s',
  async (_name, store, warning) => {
    const warnings = captureWarnings();
    const tokens = await createService(store);
    pica.whiteLabel = true;
    for (let index = 0; index < 5; index += 1) {
      const token = await tokens.create(ADA);
      expect(token.rows).toEqual(pica.rows);
      expect(token.isWhiteLabel).toBe(true);
    }
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(warning);
    expect(warnings[0]).not.toContain('password');
  },
);

describe('a store that hangs', () => {
  beforeEach(() => void captureWarnings());

  it('is not called again for a while after a timeout', async () => {
    let calls = 0;
    const hang = () => {
      calls += 1;
      return hangs();
    };
    const tokens = await createService({ get: hang, set: hang, delete: hang });
    const started = performance.now();
    for (let index = 0; index < 10; index += 1) await tokens.create(ADA);
    // Ten timeouts of 250 ms would take 2.5 s.
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(calls).toBeLessThanOrEqual(6);
  });

  it('is used again once it responds', async () => {
    const keyv = new Keyv();
    let isHanging = true;
    const tokens = await createService({
      get: (key) => (isHanging ? hangs() : keyv.get(key)),
      set: (key, value, ttl) =>
        isHanging ? hangs() : keyv.set(key, value, ttl),
      delete: (key) => keyv.delete(key),
    });
    await tokens.create(ADA);
    isHanging = false;
    await sleep(1_100);
    for (let index = 0; index < 3; index += 1) await tokens.create(ADA);
    const before = pica.requests.length;
    await tokens.create(ADA);
    expect(pica.requests.length - before).toBeLessThanOrEqual(2);
  });

  it('does not delay a token when only its writes hang', async () => {
    const tokens = await createService({
      get: () => undefined,
      set: hangs,
      delete: hangs,
    });
    const started = performance.now();
    await tokens.create(ADA);
    expect(performance.now() - started).toBeLessThan(240);
  });
});

it('an error event of a Keyv is logged as a warning, until the app closes and removes its listener', async () => {
  const warnings = captureWarnings();
  const keyv = new Keyv();
  const { close } = await createApp({ pica, options: cacheIn(keyv) });
  expect(keyv.listeners('error')).toHaveLength(1);
  keyv.emit('error', Object.assign(new Error('x'), { code: 'ECONNRESET' }));
  expect(warnings).toEqual([expect.stringMatching(/ECONNRESET/)]);
  await close();
  expect(keyv.listeners('error')).toHaveLength(0);
});

it('keys and values in the store contain neither the secret key nor an identity nor a request id', async () => {
  const entries = new Map<string, unknown>();
  const tokens = await createService({
    get: (key) => entries.get(key),
    set: (key, value) => entries.set(key, value),
    delete: (key) => entries.delete(key),
  });
  await tokens.create(ADA);
  expect(entries.size).toBe(3);
  for (const key of entries.keys()) {
    expect(key).toMatch(/^authkit:\w+:[\w-]{43}$/);
  }
  const content = JSON.stringify([...entries]);
  expect(content).not.toContain(pica.secretKey);
  expect(content).not.toContain('requestId');
  expect(content).not.toContain('ada');
});

describe('a store that somebody else writes to', () => {
  /** A store with the entries of a token, and a function that changes the entries of a kind. */
  const createPoisonable = async () => {
    const entries = new Map<string, unknown>();
    const store: AuthKitCacheStore = {
      get: (key) => entries.get(key),
      set: (key, value) => entries.set(key, value),
      delete: (key) => entries.delete(key),
    };
    await (await createService(store)).create(ADA);
    const poison = (change: (entry: Entry, kind: string) => unknown) => {
      for (const [key, entry] of entries) {
        entries.set(key, change(entry as Entry, key.split(':')[1]!));
      }
    };
    return { store, entries, poison };
  };
  // An entry of any kind.
  // oxlint-disable-next-line typescript/no-explicit-any
  type Entry = any;

  beforeEach(() => void captureWarnings());

  it.each<[string, (entry: Entry) => unknown]>([
    [
      'a row is changed',
      (entry) => ({
        ...entry,
        rows: entry.rows.replace(/"title":"[^"]+"(?!.*"title")/, '"title":"X"'),
      }),
    ],
    [
      'a row is added',
      (entry) => ({ ...entry, rows: `${entry.rows},{"id":"x"}` }),
    ],
    [
      'they would change other fields of the token',
      (entry) => ({ ...entry, rows: `${entry.rows}],"isWhiteLabel":[` }),
    ],
    [
      'the signature is missing',
      (entry) => ({ ...entry, signature: undefined }),
    ],
    [
      'the signature is of another length',
      (entry) => ({ ...entry, signature: entry.signature.slice(1) }),
    ],
    ['they claim another id', (entry) => ({ ...entry, id: 'x' })],
    ['they claim more pages', (entry) => ({ ...entry, pages: 3 })],
  ])('offers no rows of its own when %s', async (_name, change) => {
    const { store, poison } = await createPoisonable();
    poison((entry, kind) => (kind === 'integrations' ? change(entry) : entry));
    const tokens = await createService(store);
    const before = pica.requests.length;
    const token = await tokens.create(ADA);
    expect(token.rows).toEqual(pica.rows);
    expect(pica.requests.length - before).toBe(2);
  });

  it('serves no rows that another account has signed', async () => {
    const { store, entries, poison } = await createPoisonable();
    const other = await createService(store);
    await other.create({ ...ADA, tenant: 'acme' });
    const foreign = [...entries].filter(([key]) => key.includes('integr'));
    expect(foreign).toHaveLength(2);
    poison((entry, kind) => (kind === 'integrations' ? foreign[1]![1] : entry));
    const tokens = await createService(store);
    const before = pica.requests.length;
    await tokens.create(ADA);
    expect(pica.requests.length - before).toBe(2);
  });

  it('costs little time of the event loop, whatever it returns', async () => {
    const rows = ' '.repeat(50_000_000);
    let nested: unknown = {};
    for (let depth = 0; depth < 50_000; depth += 1) nested = [nested];
    const values: Entry[] = [
      nested,
      { value: nested, expiresAt: Date.now() + 1_000 },
      { id: 'x', signature: 'x', total: 247, pages: 2, rows },
      { id: rows, signature: rows, total: 247, pages: 2, rows: '' },
      300_000,
      rows,
    ];
    for (const value of values) {
      const parsing: number[] = [];
      const tokens = await createService({
        // Everything until the next turn of the event loop is our own work.
        get: () => {
          const started = performance.now();
          setImmediate(() => parsing.push(performance.now() - started));
          return value;
        },
        set: () => {},
        delete: () => {},
      });
      pica.integrations = 20;
      expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
      // 20 ms on a machine that does nothing else.
      expect(Math.min(...parsing)).toBeLessThan(100);
    }
  });
});

describe('an app', () => {
  it.each([
    ['redis', () => createClient({ url: 'redis://:password@127.0.0.1:1' })],
    [
      'ioredis',
      () => new Redis('redis://:password@127.0.0.1:1', { lazyConnect: true }),
    ],
  ])(
    'fails to boot with a client of %s as cache.store, and the error says what to write',
    async (_name, createStore) => {
      const store = createStore() as unknown as AuthKitCacheStore;
      const error = await bootError({ options: { cache: { store } } });
      expect(error?.message).toMatch(
        /cache\.store: given a client of Redis; .*store: redisStore\(client\)\./,
      );
      expect(error?.message).not.toContain('password');
    },
  );

  it.each<[unknown, RegExp]>([
    ['memory', /cache: given a string; expected an object of/],
    [[], /cache: given a list/],
    [{ store: 'redis' }, /cache\.store: given another string; .*'memory'/],
    [
      { store: { get() {}, url: 'redis://:password@host' } },
      /cache\.store: given an object without them; .*delete\(key\) or del/,
    ],
    [{ ttl: 0 }, /cache\.ttl: given 0; expected a whole number of milli/],
    [{ ttl: '5m' }, /cache\.ttl: given '5m'; expected a whole number/],
    [{ flags: 1 }, /cache\.flags: given 1; expected true or false/],
    [
      { integrations: 'yes' },
      /cache\.integrations: given .*expected true or false/,
    ],
    [{ catalog: true }, /cache\.catalog: there is no such option/],
  ])(
    'fails to boot with `cache` %j, and the error says what is expected',
    async (cache, message) => {
      const error = await bootError({
        options: { cache: cache as AuthKitCacheOptions },
      });
      expect(error?.message).toMatch(message);
      expect(error?.message).not.toContain('password');
    },
  );

  it.each<[string, AuthKitCacheOptions | undefined]>([
    ['undefined', undefined],
    ['{}', {}],
    ["store: 'memory' and a ttl of 1 ms", { store: 'memory', ttl: 1 }],
    ['a Keyv as store', { store: new Keyv() }],
  ])('boots with `cache` %s', async (_name, cache) => {
    expect(await bootError({ options: { cache } })).toBeUndefined();
  });
});

it('a store that responds in time is not taken for broken when the process was busy for longer than the timeout', async () => {
  const warnings = captureWarnings();
  const server = createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  afterTest(() => (socket.destroy(), server.close()));
  let reads = 0;
  const tokens = await createService({
    async get() {
      if (reads > 0) return;
      reads += 1;
      socket.write('?');
      // The response arrives while nothing can read it.
      const until = Date.now() + 400;
      while (Date.now() < until);
      await once(socket, 'data');
    },
    set: () => {},
    delete: () => {},
  });
  await tokens.create(ADA);
  expect(reads).toBeGreaterThan(0);
  expect(warnings).toEqual([]);
});
