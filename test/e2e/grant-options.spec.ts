import { inspect } from 'node:util';
import { Module, type DynamicModule } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  authKitConfig,
  AuthKitGrantService,
  AuthKitModule,
  type AuthKitGrantOptions,
} from '../../lib/index.js';
import { OTHER_SECRET, SECRET } from '../support/grants.js';

const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

const boot = async (imported: DynamicModule): Promise<string> => {
  @Module({ imports: [imported] })
  class App {}
  try {
    const app = await Test.createTestingModule({ imports: [App] }).compile();
    await app.close();
    return 'booted';
  } catch (error) {
    return inspect(error);
  }
};

const SHORT = 'only-thirty-one-bytes-of-secret';

const BAD: [string, unknown, RegExp][] = [
  [
    'no secret',
    {},
    /grant\.secret: given nothing; expected a string of at least 32 bytes.*AUTHKIT_GRANT_SECRET/,
  ],
  [
    'an empty secret',
    { secret: '' },
    /grant\.secret: given a string of 0 bytes/,
  ],
  [
    'a secret of 31 bytes',
    { secret: SHORT },
    /grant\.secret: given a string of 31 bytes; expected/,
  ],
  ['no secrets', { secret: [] }, /grant\.secret: given an empty list/],
  [
    'a short secret behind a long one',
    { secret: [SECRET, SHORT] },
    /grant\.secret: given a list of a string of \d+ bytes and a string of 31 bytes/,
  ],
  ['a secret that is a number', { secret: 5 }, /grant\.secret: given a number/],
  [
    'a ttl of no time',
    { secret: SECRET, ttl: 0 },
    /grant\.ttl: given 0; expected a whole number of seconds from 1 to 86400/,
  ],
  ['a ttl in words', { secret: SECRET, ttl: '5m' }, /grant\.ttl: given '5m'/],
  [
    'a url that is none',
    { secret: SECRET, url: '/authkit-token' },
    /grant\.url: given '\/authkit-token'; expected the http: or https: URL/,
  ],
  [
    'a url with credentials',
    { secret: SECRET, url: 'https://user:password@host' },
    /grant\.url: given a value that may hold a secret/,
  ],
  [
    'singleUse in words',
    { secret: SECRET, singleUse: 'yes' },
    /grant\.singleUse: given 'yes'; expected true or false/,
  ],
  [
    'an empty issuer',
    { secret: SECRET, issuer: '' },
    /grant\.issuer: given ''/,
  ],
  [
    'the secret as audience',
    { secret: SECRET, audience: [SECRET] },
    /grant\.audience: given a value that may hold a secret/,
  ],
  [
    'an option that does not exist',
    { secret: SECRET, tll: 5 },
    /grant\.tll: there is no such option/,
  ],
  [
    'a secret in place of the options',
    SECRET,
    /grant: given a string; expected an object/,
  ],
  ['a list', [SECRET], /grant: given a list; expected an object/],
];

describe('at boot', () => {
  it.each(BAD)(
    '%s stops the app with advice, and without the secret',
    async (_name, bad, message) => {
      const options = {
        secretKey: 'sk_test_1',
        grant: bad as AuthKitGrantOptions,
      };
      for (const registration of [
        AuthKitModule.forRoot(options),
        AuthKitModule.forRootAsync({
          useFactory: async () => options,
          controller: { grants: true },
        }),
      ]) {
        const said = await boot(registration);
        expect(said).toMatch(message);
        expect(said).not.toMatch(/long enough|thirty-one|password@/);
      }
    },
  );

  it.each([true, 'optional'] as const)(
    '`grants: %s` without a grant.secret stops the app',
    async (grants) => {
      for (const registration of [
        AuthKitModule.forRoot({
          secretKey: 'sk_test_1',
          controller: { grants },
        }),
        AuthKitModule.forRootAsync({
          useFactory: () => ({ secretKey: 'sk_test_1' }),
          controller: { grants },
        }),
      ]) {
        expect(await boot(registration)).toMatch(
          /grant\.secret: given nothing; expected .*32 bytes.*Pass grant: \{ secret \}/s,
        );
      }
    },
  );

  it('a secret in another option by mistake is not quoted', async () => {
    const said = await boot(
      AuthKitModule.forRoot({
        secretKey: 'sk_test_1',
        vendor: SECRET as 'pica',
        grant: { secret: SECRET },
      }),
    );
    expect(said).toMatch(/vendor: given a value that may hold a secret/);
    expect(said).not.toContain(SECRET);
  });

  it('nor is one with a line break at its end, as read from a file', async () => {
    const secret = `${SECRET}\n`;
    const said = await boot(
      AuthKitModule.forRoot({
        secretKey: 'sk_test_1',
        vendor: secret as 'pica',
        grant: { secret, audience: [secret] as never },
      }),
    );
    expect(said).toMatch(
      /grant\.audience: given a value that may hold a secret/,
    );
    expect(said).not.toContain(SECRET);
  });

  it('single use is refused where the widget asks for several pages with one grant', async () => {
    const grant = { secret: SECRET, singleUse: true };
    const options = { secretKey: 'sk_test_1', vendor: 'one', grant } as const;
    expect(await boot(AuthKitModule.forRoot(options))).toMatch(
      /grant\.singleUse: given true with paging 'forward'.*expected false, or paging: 'all'/,
    );
    expect(
      await boot(AuthKitModule.forRoot({ ...options, paging: 'all' })),
    ).toBe('booted');
  });

  it('32 bytes are enough, and bytes are what counts', async () => {
    for (const secret of [
      'x'.repeat(32),
      'é'.repeat(16),
      [SECRET, OTHER_SECRET],
    ]) {
      expect(
        await boot(
          AuthKitModule.forRoot({
            secretKey: 'sk_test_1',
            grant: {
              secret,
              ttl: 86_400,
              url: 'https://a.example/t',
              singleUse: true,
              issuer: 'i',
              audience: 'a',
            },
            controller: { grants: true },
          }),
        ),
      ).toBe('booted');
    }
  });

  it('the secret may come from AUTHKIT_GRANT_SECRET, several of them separated by commas', async () => {
    process.env.PICA_SECRET_KEY = 'sk_test_1';
    process.env.AUTHKIT_GRANT_SECRET = `${SECRET.replace(',', '')} , ${OTHER_SECRET.replace(',', '')}`;
    expect(authKitConfig().grant?.secret).toEqual([
      SECRET.replace(',', ''),
      OTHER_SECRET.replace(',', ''),
    ]);
    const registration = () =>
      AuthKitModule.forRootAsync({
        ...authKitConfig.asProvider(),
        controller: { grants: true },
      });
    const configured = async () => {
      @Module({
        imports: [
          ConfigModule.forRoot({ ignoreEnvFile: true }),
          registration(),
        ],
      })
      class App {}
      return boot({ module: App });
    };
    expect(await configured()).toBe('booted');
    process.env.AUTHKIT_GRANT_SECRET = '';
    expect(authKitConfig().grant).toBeUndefined();
    expect(await configured()).toMatch(/AUTHKIT_GRANT_SECRET/);
  });
});

describe('AuthKitGrantService', () => {
  const serviceOf = async (grant?: AuthKitGrantOptions) => {
    const module = await Test.createTestingModule({
      imports: [AuthKitModule.forRoot({ secretKey: 'sk_test_1', grant })],
    }).compile();
    return module.get(AuthKitGrantService);
  };

  it('verifies what it has issued, without a controller', async () => {
    const grants = await serviceOf({ secret: SECRET });
    const who = {
      identity: 'Ada Łovelace 🧮',
      identityType: 'organization' as const,
    };
    expect(await grants.verify(await grants.issue(who))).toEqual(who);
    expect(
      await grants.verify(await grants.issue({ identity: 'ada' })),
    ).toEqual({ identity: 'ada' });
  });

  it('gives the widget’s settings for an endpoint of one’s own', async () => {
    const grants = await serviceOf({ secret: SECRET });
    const url = 'https://api.app.example/token';
    const token = await grants.widgetToken({ identity: 'ada' }, url);
    expect(token.url).toBe(url);
    expect(token.expiresAt).toBe(new Date(token.expiresAt).toISOString());
    const grant = token.headers.Authorization.replace('Bearer ', '');
    expect(await grants.verify(grant)).toEqual({ identity: 'ada' });
  });

  it('issues nothing for what is no identity', async () => {
    const grants = await serviceOf({ secret: SECRET });
    for (const [identity, reason] of [
      ['', 'unidentified'],
      ['a\nb', 'invalid_identity'],
      [5, 'invalid_identity'],
    ]) {
      const issued = grants.issue({ identity: identity as string });
      await expect(issued).rejects.toMatchObject({ reason });
    }
  });

  it('refuses nothing at all as a missing grant', async () => {
    const grants = await serviceOf({ secret: SECRET });
    for (const nothing of [undefined, '']) {
      await expect(grants.verify(nothing)).rejects.toMatchObject({
        reason: 'unidentified',
        message: expect.stringMatching(/no grant/i),
      });
    }
  });

  it('says what is missing where there is no secret', async () => {
    const grants = await serviceOf();
    await expect(grants.issue({ identity: 'ada' })).rejects.toThrow(
      /grant: \{ secret \}/,
    );
    await expect(grants.verify('x')).rejects.toThrow(/grant: \{ secret \}/);
  });
});
