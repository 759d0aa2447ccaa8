import { jest } from '@jest/globals';
import { AuthKitModule, type AuthKitModuleOptions } from '../../lib/index.js';
import {
  bootError,
  type AppSettings,
  type TestOptions,
} from '../support/app.js';
import { captureWarnings } from '../support/mocks.js';

const KEY = 'sk_live_never_shown';

/** Invalid options, and what the error says of each. */
const INVALID: [name: string, options: object, message: RegExp][] = [
  [
    'an empty key',
    { secretKey: '' },
    /secretKey: given an empty string; it must be .*PICA_SECRET_KEY/,
  ],
  [
    'no key',
    { secretKey: undefined },
    /secretKey: given nothing; it must be .*PICA_SECRET_KEY/,
  ],
  [
    'a key with a line break',
    { secretKey: `${KEY}\n` },
    /secretKey: given a string with spaces, line breaks/,
  ],
  ['a key that is a number', { secretKey: 5 }, /secretKey: given a number/],
  [
    'retries above 10',
    { retries: 99 },
    /retries: given 99; it must not be greater than 10\.$/m,
  ],
  [
    'fractional retries',
    { retries: 1.5 },
    /retries: given 1\.5; it must be an integer number\.$/m,
  ],
  [
    'a baseUrl that is not a URL',
    { baseUrl: 'not a url' },
    /baseUrl: given a string of 9 characters; it must be an http: or https: URL/,
  ],
  [
    'a misspelt vendor',
    { vendor: 'pika' },
    /vendor: given a string of 4 characters; it must be one of the following values: pica, one/,
  ],
  [
    'a vendor from Object.prototype',
    { vendor: 'constructor' },
    /vendor: given a string of 11 characters/,
  ],
  [
    'a timeout of 0 ms',
    { timeout: 0 },
    /timeout: given 0; it must not be less than 1/,
  ],
  [
    'a timeout beyond the longest timer',
    { timeout: 2 ** 31 },
    /timeout: given 2147483648/,
  ],
  [
    'a timeout that is a string',
    { timeout: '10s' },
    /timeout: given a string of 3 characters; it must be an integer number/,
  ],
  [
    'a wildcard origin',
    { allowedOrigins: ['*'] },
    /allowedOrigins: given a list; it must be a list of origins/,
  ],
  [
    'the origin null',
    { allowedOrigins: ['null'] },
    /allowedOrigins: given a list; it must be .*'null' are none\.$/m,
  ],
  [
    'an http: baseUrl of the vendor',
    { baseUrl: 'http://api.picaos.com/base' },
    /baseUrl: given .*; it must be .*https: if it is that of the vendor/,
  ],
  [
    'an http: baseUrl of the vendor, spelled differently',
    { vendor: 'one', baseUrl: 'HTTP://API.withone.ai.:80' },
    /baseUrl: given .*; it must be /,
  ],
  [
    'a key in double quotes',
    { secretKey: `"${KEY}"` },
    /secretKey: given a string with quotes around the key/,
  ],
  [
    'a key in single quotes with a line break',
    { secretKey: `'${KEY}'\n` },
    /secretKey: given a string with quotes around the key/,
  ],
  [
    'the publishable key',
    { secretKey: `pk_${KEY}` },
    /secretKey: given a publishable key \(pk_…\)/,
  ],
  [
    'an identity that is not a function',
    { identity: 'id' },
    /identity: given a string of 2 characters; it must be a function/,
  ],
  [
    'an unknown http setting',
    { http: { agent: 1 } },
    /http\.agent: there is no such option/,
  ],
  ['an unknown option', { timout: 5 }, /timout: there is no such option\./],
];

/** Options that are gone, and what replaces them. */
const GONE: [name: string, options: object, message: RegExp][] = [
  ['cache.store', { cache: { store: 'memory' } }, /singleUse: \{ add \} \}\./],
  ['cache.integrations', { cache: { integrations: true } }, /Remove it\./],
  ['pageSize', { pageSize: 100 }, /Pages have 150 rows\. Remove it\./],
  ['concurrency', { concurrency: 4 }, /Up to 10 pages .*\. Remove it\./],
  ['maxPages', { maxPages: 100 }, /Up to 100 pages .*\. Remove it\./],
  ['pageHint', { pageHint: false }, /Remove it\./],
  [
    'maxBytesInFlight',
    { maxBytesInFlight: 1 },
    /Up to 256 MB .*\. Remove it\./,
  ],
];

describe('an app', () => {
  const boot = (options: object, settings: AppSettings = {}) =>
    bootError({
      options: { secretKey: KEY, ...options } as TestOptions,
      ...settings,
    });
  /** The error when a factory returns something other than options. */
  const bootWithFactory = (useFactory: () => unknown) =>
    bootError({
      registrations: [
        AuthKitModule.forRootAsync({
          useFactory: useFactory as () => AuthKitModuleOptions,
        }),
      ],
    });

  it.each(INVALID)(
    'does not boot with %s, and the error says what to change',
    async (_name, options, message) => {
      for (const isAsync of [false, true]) {
        const error = await boot(options, { async: isAsync });
        expect(error?.message).toMatch(message);
        expect(error?.message).not.toContain(KEY);
      }
    },
  );

  it.each(GONE)(
    'does not boot with %s, which is gone, and the error says what to do instead',
    async (name, options, message) => {
      const text = (await boot(options))?.message;
      expect(text).toContain(`\n  - ${name}: it is gone in 0.3. `);
      expect(text).toMatch(message);
    },
  );

  it.each<[string, object, RegExp]>([
    ['a list', [], /cache: given a list; it must be an object of options\./],
    [
      'a map',
      new Map(),
      /cache: given an object; it must be an object of options\./,
    ],
    [
      'a string',
      KEY,
      /cache: given a string of 19 characters; it must be an object/,
    ],
    [
      'a key of every object',
      { constructor: 1 },
      /cache\.constructor: there is no such option\./,
    ],
  ] as [string, object, RegExp][])(
    'does not boot with %s as a group of options',
    async (_name, cache, message) => {
      expect((await boot({ cache }))?.message).toMatch(message);
    },
  );

  it.each<[string, TestOptions]>([
    ['true', { grant: { secret: 'x'.repeat(32), singleUse: true } }],
    [
      'an object',
      {
        grant: { secret: 'x'.repeat(32), singleUse: { add: async () => true } },
      },
    ],
  ])(
    "does not boot with grant.singleUse as %s and paging: 'forward'",
    async (given, options) => {
      expect(await boot(options)).toBeUndefined();
      const error = await boot({ ...options, paging: 'forward' });
      expect(error?.message).toMatch(
        `grant.singleUse: given ${given} with paging 'forward', by which the widget requests every page with the same grant; it must be false, or set paging: 'all'.`,
      );
    },
  );

  it('boots with options that are undefined or null, which count as not given', async () => {
    const names = [
      'timeout',
      'retries',
      'cache',
      'http',
      'grant',
      'labels',
      'pageSize',
    ];
    for (const nothing of [undefined, null]) {
      const options = Object.fromEntries(names.map((name) => [name, nothing]));
      expect(await boot(options)).toBeUndefined();
    }
  });

  it.each(['labels', 'onConnected', 'onDisconnected', 'onConnectionLost'])(
    'boots with %s as a mock, and does not boot with it as an object',
    async (name) => {
      expect(await boot({ [name]: jest.fn() })).toBeUndefined();
      expect((await boot({ [name]: {} }))?.message).toMatch(
        `${name}: given an object; it must be a function`,
      );
    },
  );

  it.each([
    ['/v1', 'https://pica.test/v1'],
    ['/v1', 'https://pica.test/base/v1/'],
  ])(
    'boots with a baseUrl that ends with %s: %s, and warns',
    async (_, url) => {
      const warnings = captureWarnings();
      expect(await boot({ baseUrl: url })).toBeUndefined();
      expect(warnings).toEqual([
        expect.stringMatching(/^baseUrl ends with \/v1.*Leave the version out/),
      ]);
    },
  );

  it('does not boot with two registrations of one name, and the error says what to do', async () => {
    const registration = () =>
      AuthKitModule.forRoot({ secretKey: KEY, name: 'eu' });
    const error = await bootError({
      registrations: [registration(), registration()],
    });
    expect(error?.message).toMatch(
      /two registrations have the name "eu"\. Give each a name of its own\. .*constant/,
    );
    const shared = registration();
    expect(
      await bootError({ registrations: [shared, shared] }),
    ).toBeUndefined();
  });

  it.each([
    'https://a.example/',
    'https://a.example:443',
    'HTTPS://A.example',
    'https://ada:secret@a.example',
    'a.example',
    'Capacitor://localhost',
  ])(
    'does not boot with the origin %s, and the error says how to write it',
    async (origin) => {
      for (const option of ['allowedOrigins', 'pageOrigins']) {
        const error = await boot({ [option]: ['https://ok.example', origin] });
        expect(error?.message).toMatch(
          `${option}: given a list; it must be a list of origins, each as new URL(page).origin gives it`,
        );
        expect(error?.message).not.toContain('secret@');
      }
    },
  );

  it('does not boot with three invalid options, and the error has a line for each', async () => {
    const error = await boot({ secretKey: '', timeout: 0, retries: 99 });
    const lines = error?.message.split('\n');
    expect(lines).toHaveLength(4);
    for (const option of ['secretKey', 'timeout', 'retries']) {
      expect(lines).toContainEqual(expect.stringContaining(`${option}: given`));
    }
  });

  it('quotes no string in the error, which may hold a secret', async () => {
    const error = await boot({
      vendor: KEY,
      baseUrl: 'ftp://user:password@host',
    });
    expect(error?.message).toContain('vendor: given a string of 19 characters');
    expect(error?.message).toContain('baseUrl: given');
    expect(error?.message).not.toMatch(/never_shown|password@/);
  });

  it('does not boot when a factory returns the key alone, and the error does not show it', async () => {
    const error = await bootWithFactory(() => KEY);
    expect(error?.message).toMatch(
      /options are a string; they must be an object/,
    );
    expect(error?.message).not.toContain(KEY);
  });

  it('does not boot when a factory returns undefined', async () => {
    const error = await bootWithFactory(() => undefined);
    expect(error?.message).toMatch(
      /options are nothing; they must be an object/,
    );
  });

  it('does not boot when a factory returns an option of the registration, and the error says where it belongs', async () => {
    const error = await bootWithFactory(() => ({
      secretKey: KEY,
      controller: true,
    }));
    expect(error?.message).toMatch(/controller: .*beside useFactory/);
  });

  it.each<[string, TestOptions, AppSettings]>([
    [
      'a key alone',
      { secretKey: KEY, vendor: undefined, baseUrl: undefined },
      {},
    ],
    [
      'every option at its limit',
      {
        secretKey: () => KEY,
        vendor: 'one',
        baseUrl: 'http://localhost:3001/base/',
        identity: () => null,
        timeout: 1,
        attemptTimeout: 1,
        retries: 0,
        paging: 'all',
        http: { proxy: false },
        allowedOrigins: ['https://a.example:8443', 'capacitor://localhost'],
        pageOrigins: ['https://a.example:8443', 'capacitor://localhost'],
      },
      { isGlobal: true },
    ],
  ])('boots with %s', async (_name, options, settings) => {
    expect(await boot(options, settings)).toBeUndefined();
  });
});
