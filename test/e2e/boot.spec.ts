import { Module, type DynamicModule } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';
import { AuthKitModule, type AuthKitModuleOptions } from '../../lib/index.js';

const KEY = 'sk_live_never_shown';

const boot = async (imported: DynamicModule): Promise<string> => {
  @Module({ imports: [imported] })
  class App {}
  try {
    const app = await Test.createTestingModule({ imports: [App] }).compile();
    await app.close();
    return 'booted';
  } catch (error) {
    return (error as Error).message;
  }
};

/** Options that must not come up, and what the message has to say of each. */
const BAD: [string, object, RegExp][] = [
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
    'too large a page',
    { pageSize: 500 },
    /pageSize: given 500; expected a whole number from 1 to 150/,
  ],
  ['a half page', { pageSize: 1.5 }, /pageSize: given 1.5/],
  [
    'a baseUrl that is none',
    { baseUrl: 'not a url' },
    /baseUrl: given 'not a url'; expected an http: or https: URL/,
  ],
  ['a baseUrl of a file', { baseUrl: 'file:///etc/passwd' }, /baseUrl: given/],
  [
    'a vendor with a typo',
    { vendor: 'pika' },
    /vendor: given 'pika'; expected 'pica' or 'one'/,
  ],
  [
    'a vendor out of Object.prototype',
    { vendor: 'constructor' },
    /vendor: given 'constructor'/,
  ],
  [
    'a timeout of no time',
    { timeout: 0 },
    /timeout: given 0; expected a whole number of milliseconds/,
  ],
  [
    'a timeout beyond timers',
    { timeout: 2 ** 31 },
    /timeout: given 2147483648/,
  ],
  ['a timeout in words', { timeout: '10s' }, /timeout: given '10s'/],
  ['negative retries', { retries: -1 }, /retries: given -1/],
  [
    'a wildcard origin',
    { allowedOrigins: ['*'] },
    /allowedOrigins: given \[ '\*' \]; expected a list of origins/,
  ],
  [
    'an origin with a path',
    { allowedOrigins: ['https://a.example/'] },
    /allowedOrigins: given/,
  ],
  [
    'an identity that is no function',
    { identity: 'id' },
    /identity: given 'id'; expected a function/,
  ],
  [
    'an unknown http setting',
    { http: { agent: 1 } },
    /http: given { agent: 1 }/,
  ],
  [
    'an option that does not exist',
    { timout: 5 },
    /timout: there is no such option; check its spelling/,
  ],
];

describe('at boot', () => {
  it.each(BAD)('%s stops the app with advice', async (_name, bad, message) => {
    const options = { secretKey: KEY, ...bad } as AuthKitModuleOptions;
    for (const registration of [
      AuthKitModule.forRoot(options),
      AuthKitModule.forRootAsync({ useFactory: async () => options }),
    ]) {
      const said = await boot(registration);
      expect(said).toMatch(message);
      expect(said).not.toContain(KEY);
    }
  });

  it('all faults are told at once', async () => {
    const said = await boot(
      AuthKitModule.forRoot({ secretKey: '', pageSize: 0, retries: 99 }),
    );
    expect(said.split('\n')).toHaveLength(4);
  });

  it('nothing that may hold the key is quoted', async () => {
    const said = await boot(
      AuthKitModule.forRoot({
        secretKey: KEY,
        vendor: KEY as 'pica',
        baseUrl: 'ftp://user:password@host',
      }),
    );
    expect(said).toContain('vendor: given a value that may hold a secret');
    expect(said).not.toMatch(/never_shown|password@/);
  });

  it('a factory that returns the bare key is told so, and the key is not shown', async () => {
    const said = await boot(
      AuthKitModule.forRootAsync({
        useFactory: () => KEY as unknown as AuthKitModuleOptions,
      }),
    );
    expect(said).toMatch(/options are a string; expected an object/);
    expect(said).not.toContain(KEY);
  });

  it('a factory that returns nothing is told so', async () => {
    const said = await boot(
      AuthKitModule.forRootAsync({
        useFactory: () => undefined as unknown as AuthKitModuleOptions,
      }),
    );
    expect(said).toMatch(/options are undefined; expected an object/);
  });

  it('a static option that a factory returns is told where it belongs', async () => {
    const said = await boot(
      AuthKitModule.forRootAsync({
        useFactory: () => ({ secretKey: KEY, controller: true }),
      }),
    );
    expect(said).toMatch(/controller: it belongs beside useFactory/);
  });

  it('good options boot', async () => {
    expect(await boot(AuthKitModule.forRoot({ secretKey: KEY }))).toBe(
      'booted',
    );
    expect(
      await boot(
        AuthKitModule.forRoot({
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
          isGlobal: true,
          controller: false,
        }),
      ),
    ).toBe('booted');
  });
});
