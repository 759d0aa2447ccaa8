import { AuthKitModule, type AuthKitModuleOptions } from '../../lib/index.js';
import {
  bootError,
  type AppSettings,
  type TestOptions,
} from '../support/app.js';

const KEY = 'sk_live_never_shown';

/** Invalid options, and what the error says of each. */
const INVALID: [name: string, options: object, message: RegExp][] = [
  [
    'an empty key',
    { secretKey: '' },
    /secretKey: given an empty string; expected .*PICA_SECRET_KEY/,
  ],
  [
    'no key',
    { secretKey: undefined },
    /secretKey: given nothing; expected .*PICA_SECRET_KEY/,
  ],
  [
    'a key with a line break',
    { secretKey: `${KEY}\n` },
    /secretKey: given a string with spaces, line breaks/,
  ],
  ['a key that is a number', { secretKey: 5 }, /secretKey: given a number/],
  [
    'a page size above 150',
    { pageSize: 500 },
    /pageSize: given 500; expected a whole number from 1 to 150/,
  ],
  ['a fractional page size', { pageSize: 1.5 }, /pageSize: given 1.5/],
  [
    'a baseUrl that is not a URL',
    { baseUrl: 'not a url' },
    /baseUrl: given 'not a url'; expected an http: or https: URL/,
  ],
  ['a baseUrl of a file', { baseUrl: 'file:///etc/passwd' }, /baseUrl: given/],
  [
    'a misspelt vendor',
    { vendor: 'pika' },
    /vendor: given 'pika'; expected 'pica' or 'one'/,
  ],
  [
    'a vendor from Object.prototype',
    { vendor: 'constructor' },
    /vendor: given 'constructor'/,
  ],
  [
    'a timeout of 0 ms',
    { timeout: 0 },
    /timeout: given 0; expected a whole number of milliseconds/,
  ],
  [
    'a timeout beyond the longest timer',
    { timeout: 2 ** 31 },
    /timeout: given 2147483648/,
  ],
  ['a timeout that is a string', { timeout: '10s' }, /timeout: given '10s'/],
  ['negative retries', { retries: -1 }, /retries: given -1/],
  [
    'a wildcard origin',
    { allowedOrigins: ['*'] },
    /allowedOrigins: given \[ '\*' \]; expected a list of origins/,
  ],
  [
    'the origin null',
    { allowedOrigins: ['null'] },
    /allowedOrigins: given \[ 'null' \]; expected .*'null' are none\.$/m,
  ],
  [
    'an http: baseUrl of the vendor',
    { baseUrl: 'http://api.picaos.com/base' },
    /baseUrl: given .*; expected https: .*write 'https:\/\/api\.picaos\.com\/base'/,
  ],
  [
    'an http: baseUrl of the vendor, spelled differently',
    { vendor: 'one', baseUrl: 'HTTP://API.withone.ai.:80' },
    /baseUrl: given .*; expected https: /,
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
    /identity: given 'id'; expected a function/,
  ],
  [
    'an unknown http setting',
    { http: { agent: 1 } },
    /http\.agent: there is no such option/,
  ],
  [
    'an unknown option',
    { timout: 5 },
    /timout: there is no such option; did you mean timeout\?/,
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

  it.each([
    ['https://a.example/', 'https://a.example'],
    ['https://a.example:443', 'https://a.example'],
    ['HTTPS://A.example', 'https://a.example'],
    ['https://a.example/path?key=1', 'https://a.example'],
    ['https://ada:secret@a.example', 'https://a.example'],
    ['http://localhost:80', 'http://localhost'],
    ['https://münchen.example', 'https://xn--mnchen-3ya.example'],
    ['a.example', 'https://a.example'],
    ['Capacitor://Localhost/', 'capacitor://localhost'],
  ])(
    'does not boot with the origin %s, and the error says to write %s',
    async (origin, correction) => {
      for (const option of ['allowedOrigins', 'pageOrigins']) {
        const error = await boot({ [option]: ['https://ok.example', origin] });
        expect(error?.message).toMatch(`${option}: given`);
        expect(error?.message).toMatch(
          new RegExp(`; write '${correction}'\\.$`, 'm'),
        );
        expect(error?.message).not.toContain('secret@');
      }
    },
  );

  it('does not boot with three invalid options, and the error has a line for each', async () => {
    const error = await boot({ secretKey: '', pageSize: 0, retries: 99 });
    const lines = error?.message.split('\n');
    expect(lines).toHaveLength(4);
    for (const option of ['secretKey', 'pageSize', 'retries']) {
      expect(lines).toContainEqual(expect.stringContaining(`${option}: given`));
    }
  });

  it('quotes no value in the error that may hold a secret', async () => {
    const error = await boot({
      vendor: KEY,
      baseUrl: 'ftp://user:password@host',
    });
    expect(error?.message).toContain(
      'vendor: given a value that may hold a secret',
    );
    expect(error?.message).toContain('baseUrl: given');
    expect(error?.message).not.toMatch(/never_shown|password@/);
  });

  it('does not boot when a factory returns the key alone, and the error does not show it', async () => {
    const error = await bootWithFactory(() => KEY);
    expect(error?.message).toMatch(/options are a string; expected an object/);
    expect(error?.message).not.toContain(KEY);
  });

  it('does not boot when a factory returns undefined', async () => {
    const error = await bootWithFactory(() => undefined);
    expect(error?.message).toMatch(/options are undefined; expected an object/);
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
        pageSize: 150,
        concurrency: 1,
        maxPages: 1,
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
