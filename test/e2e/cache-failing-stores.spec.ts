import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Keyv } from 'keyv';
import {
  AuthKitModule,
  type AuthKitCacheOptions,
  type AuthKitCacheStore,
} from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { stopApps } from '../support/run-app.js';
import { tokenService } from '../support/token-service.js';

let pica: PicaEmulator;
let warnings: string[];
beforeAll(async () => {
  pica = await PicaEmulator.start();
});
beforeEach(() => {
  warnings = [];
  jest
    .spyOn(Logger.prototype, 'warn')
    .mockImplementation((line: unknown) => void warnings.push(String(line)));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await stopApps();
  pica.reset();
});
afterAll(() => pica.stop());

const ADA = { identity: 'ada' };
const service = (store: AuthKitCacheStore) =>
  tokenService(pica, { cache: { store, flags: true, catalogue: true } });

const fails = () => {
  throw Object.assign(new Error('redis://:password@host'), {
    code: 'ECONNREFUSED',
  });
};
const hangs = () => new Promise<never>(() => {});
const rejects = async () => fails();

/** Stores that fail, and what the one warning has to say. */
const BAD: [string, AuthKitCacheStore, RegExp][] = [
  [
    'throws',
    { get: fails, set: fails, delete: fails },
    /failed \(ECONNREFUSED\)/,
  ],
  [
    'rejects',
    { get: rejects, set: rejects, del: rejects },
    /failed \(ECONNREFUSED\)/,
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
    // Text that would change what the token is, and what a Buffer would be made of.
    [{ rows: '{"id":1}],"isWhiteLabel":[', total: 247, pages: 3 }],
    [{ rows: '{"id":1', total: 247, pages: 3 }],
    [{ rows: { length: 2_000_000_000 }, total: 247, pages: 3 }],
    [{ rows: ' '.repeat(5_000_000), total: 247, pages: 3 }],
    [null],
    [{ rows: [{ ['__proto__']: {} }], total: 247, pages: 'three' }],
  ].map((junk): [string, AuthKitCacheStore, RegExp] => [
    `answers ${JSON.stringify(junk).slice(0, 80)}`,
    { get: () => junk, set: () => {}, delete: () => {} },
    /not put into it/,
  ]),
];

describe.each(BAD)('a store that %s', (_name, store, warning) => {
  it('costs one warning, and never a token', async () => {
    const tokens = await service(store);
    pica.whiteLabel = true;
    for (let index = 0; index < 5; index += 1) {
      const token = await tokens.create(ADA);
      expect(token.rows).toEqual(pica.rows);
      expect(token.isWhiteLabel).toBe(true);
    }
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(warning);
    expect(warnings[0]).not.toContain('password');
  });
});

describe('a store that hangs', () => {
  it('is waited for once, and left alone for a while', async () => {
    let asked = 0;
    const hang = () => {
      asked += 1;
      return hangs();
    };
    const tokens = await service({ get: hang, set: hang, delete: hang });
    const started = performance.now();
    for (let index = 0; index < 10; index += 1) await tokens.create(ADA);
    // Ten waits of 250 ms would be 2.5 s.
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(asked).toBeLessThanOrEqual(6);
  });

  it('serves again once it is well', async () => {
    const keyv = new Keyv();
    let isIll = true;
    const tokens = await service({
      get: (key) => (isIll ? hangs() : keyv.get(key)),
      set: (key, value, ttl) => (isIll ? hangs() : keyv.set(key, value, ttl)),
      delete: (key) => keyv.delete(key),
    });
    await tokens.create(ADA);
    isIll = false;
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    for (let index = 0; index < 3; index += 1) await tokens.create(ADA);
    pica.reset();
    await tokens.create(ADA);
    expect(pica.requests.length).toBeLessThanOrEqual(2);
  });

  it('on writes delays no answer', async () => {
    const tokens = await service({
      get: () => undefined,
      set: hangs,
      delete: hangs,
    });
    const started = performance.now();
    await tokens.create(ADA);
    expect(performance.now() - started).toBeLessThan(240);
  });
});

it('an error that a Keyv only reports is a warning, and listeners go with the app', async () => {
  const keyv = new Keyv();
  await service(keyv);
  expect(keyv.listeners('error')).toHaveLength(1);
  keyv.emit('error', Object.assign(new Error('x'), { code: 'ECONNRESET' }));
  expect(warnings).toEqual([expect.stringMatching(/ECONNRESET/)]);
  await stopApps();
  expect(keyv.listeners('error')).toHaveLength(0);
});

it('nothing in the store is, or holds, the secret', async () => {
  const entries = new Map<string, unknown>();
  const tokens = await service({
    get: (key) => entries.get(key),
    set: (key, value) => entries.set(key, value),
    delete: (key) => entries.delete(key),
  });
  await tokens.create(ADA);
  expect([...entries.keys()].sort()).toEqual([
    expect.stringMatching(/^authkit:catalogue:[\w-]{43}$/),
    expect.stringMatching(/^authkit:flags:[\w-]{43}$/),
  ]);
  const all = JSON.stringify([...entries]);
  expect(all).not.toContain(pica.secretKey);
  expect(all).not.toContain('requestId');
  expect(all).not.toContain('ada');
});

describe('at boot', () => {
  const boot = async (cache: unknown) => {
    try {
      const module = await Test.createTestingModule({
        imports: [
          AuthKitModule.forRoot({
            secretKey: 'sk_test_1',
            cache: cache as AuthKitCacheOptions,
          }),
        ],
      }).compile();
      await module.close();
      return 'booted';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it.each<[unknown, RegExp]>([
    ['memory', /cache: given a string; expected an object of/],
    [[], /cache: given a list/],
    [{ store: 'redis' }, /cache\.store: given another string; .*'memory'/],
    [
      { store: { get() {}, url: 'redis://:password@host' } },
      /cache\.store: given an object without them; .*delete\(key\) or del/,
    ],
    [{ ttl: 0 }, /cache\.ttl: given 0; expected a whole number of milli/],
    [{ ttl: '5m' }, /cache\.ttl: given another string/],
    [{ flags: 1 }, /cache\.flags: given 1; expected true or false/],
    [{ catalogue: 'yes' }, /cache\.catalogue: given .*expected true or false/],
    [{ catalog: true }, /cache\.catalog: there is no such option/],
  ])('%j stops the app with advice', async (cache, message) => {
    const said = await boot(cache);
    expect(said).toMatch(message);
    expect(said).not.toContain('password');
  });

  it.each([undefined, {}, { store: 'memory', ttl: 1 }, { store: new Keyv() }])(
    '%j is good',
    async (cache) => {
      expect(await boot(cache)).toBe('booted');
    },
  );
});
