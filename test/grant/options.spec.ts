import { inspect } from 'node:util';
import { ConfigModule } from '@nestjs/config';
import { authKitConfig } from '../../lib/config/from-environment.js';
import { AuthKitModule } from '../../lib/index.js';
import { bootError, createApp, type AppSettings } from '../support/app.js';
import { setEnvironment } from '../support/environment.js';
import { GRANT_SECRET, OTHER_SECRET } from '../support/grants.js';

/** The error with which an app does not boot, as a log shows it. */
const inspectedBootError = async (settings: AppSettings) =>
  inspect(await bootError(settings));

const SHORT = 'only-thirty-one-bytes-of-secret';

/** Options that are not valid, and what the error says. */
const INVALID: [name: string, grant: unknown, message: RegExp][] = [
  [
    'without a secret',
    {},
    /grant\.secret: given nothing; it must be a string of at least 32 bytes.*AUTHKIT_GRANT_SECRET/,
  ],
  [
    'with an empty secret',
    { secret: '' },
    /grant\.secret: given an empty string/,
  ],
  [
    'with a secret of 31 bytes',
    { secret: SHORT },
    /grant\.secret: given a string of 31 characters; it must be/,
  ],
  [
    'with an empty list of secrets',
    { secret: [] },
    /grant\.secret: given a list/,
  ],
  [
    'with a short secret after a long one',
    { secret: [GRANT_SECRET, SHORT] },
    /grant\.secret: given a list; it must be .* of at least 32 bytes/,
  ],
  ['with a number as secret', { secret: 5 }, /grant\.secret: given a number/],
  [
    'with a `ttl` of 0',
    { secret: GRANT_SECRET, ttl: 0 },
    /grant\.ttl: given 0; it must not be less than 1/,
  ],
  [
    'with a string as `ttl`',
    { secret: GRANT_SECRET, ttl: '5m' },
    /grant\.ttl: given a string of 2 characters; it must be an integer number/,
  ],
  [
    'with a path as `url`',
    { secret: GRANT_SECRET, url: '/authkit-token' },
    /grant\.url: given a string of 14 characters; it must be the http: or https: URL/,
  ],
  [
    'with credentials in `url`',
    { secret: GRANT_SECRET, url: 'https://user:password@host' },
    /grant\.url: given a string of 26 characters/,
  ],
  [
    'with a string as `singleUse`',
    { secret: GRANT_SECRET, singleUse: 'yes' },
    /grant\.singleUse: given a string of 3 characters; it must be true, false, or an object with a function add/,
  ],
  [
    'with an empty `issuer`',
    { secret: GRANT_SECRET, issuer: '' },
    /grant\.issuer: given an empty string/,
  ],
  [
    'with the secret in `audience`',
    { secret: GRANT_SECRET, audience: [GRANT_SECRET] },
    /grant\.audience: given a list/,
  ],
  [
    'with an unknown option',
    { secret: GRANT_SECRET, tll: 5 },
    /grant\.tll: there is no such option/,
  ],
  [
    'that is the secret itself',
    GRANT_SECRET,
    /grant: given a string of \d+ characters; it must be an object/,
  ],
  [
    'that is a list',
    [GRANT_SECRET],
    /grant: given a list; it must be an object/,
  ],
];

describe('an app', () => {
  it.each(INVALID)(
    'fails to boot with a `grant` %s, and the error names the option and not the secret',
    async (_name, grant, message) => {
      for (const isAsync of [false, true]) {
        const error = await inspectedBootError({
          async: isAsync,
          options: { grant: grant as object },
        });
        expect(error).toMatch(message);
        expect(error).not.toMatch(/long enough|thirty-one|password@/);
      }
    },
  );

  it('boots with an option beside the grant secret of the environment', async () => {
    setEnvironment({ AUTHKIT_GRANT_SECRET: 'x'.repeat(32) });
    const grant = { ...authKitConfig().grant, singleUse: true };
    expect(await bootError({ options: { grant } })).toBeUndefined();
    const registration = AuthKitModule.forRootAsync({
      useFactory: () => ({ ...authKitConfig(), secretKey: 'sk_test_1', grant }),
    });
    expect(await bootError({ registrations: [registration] })).toBeUndefined();
  });

  it.each([true, 'optional'] as const)(
    'fails to boot with `grants: %s` and without `grant.secret`',
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
        expect(
          await inspectedBootError({ registrations: [registration] }),
        ).toMatch(
          /grant\.secret: given nothing; it must be .*32 bytes.*Pass grant: \{ secret \}/s,
        );
      }
    },
  );

  it('fails to boot with an error that does not quote the grant secret when another option is the secret', async () => {
    const error = await inspectedBootError({
      options: {
        vendor: GRANT_SECRET as 'pica',
        grant: { secret: GRANT_SECRET },
      },
    });
    expect(error).toMatch(/vendor: given a string of \d+ characters/);
    expect(error).not.toContain(GRANT_SECRET);
  });

  it('fails to boot with an error that does not quote a grant secret that ends with a line break', async () => {
    const secret = `${GRANT_SECRET}\n`;
    const error = await inspectedBootError({
      options: {
        vendor: secret as 'pica',
        grant: { secret, audience: [secret] as never },
      },
    });
    expect(error).toMatch(/grant\.audience: given a list/);
    expect(error).not.toContain(GRANT_SECRET);
  });

  it('fails to boot with `singleUse` when the widget requests several pages with one grant', async () => {
    const options = {
      vendor: 'one',
      grant: { secret: GRANT_SECRET, singleUse: true },
    } as const;
    expect(await inspectedBootError({ options })).toMatch(
      /grant\.singleUse: given true with paging 'forward'.*it must be false, or set paging: 'all'/,
    );
    expect(
      await bootError({ options: { ...options, paging: 'all' } }),
    ).toBeUndefined();
  });

  it.each([
    ['32 characters', 'x'.repeat(32)],
    ['16 characters of 2 bytes', 'é'.repeat(16)],
    ['a list', [GRANT_SECRET, OTHER_SECRET]],
  ])(
    'boots with every grant option and a secret of %s',
    async (_name, secret) => {
      const error = await bootError({
        options: {
          grant: {
            secret,
            ttl: 86_400,
            url: 'https://a.example/t',
            singleUse: true,
            issuer: 'i',
            audience: 'a',
          },
        },
        controller: { grants: true },
      });
      expect(error).toBeUndefined();
    },
  );

  it('takes grant secrets from AUTHKIT_GRANT_SECRET, separated by commas', async () => {
    const secrets = [GRANT_SECRET, OTHER_SECRET].map((secret) =>
      secret.replace(',', ''),
    );
    setEnvironment({
      PICA_SECRET_KEY: 'sk_test_1',
      AUTHKIT_GRANT_SECRET: secrets.join(' , '),
    });
    expect(authKitConfig().grant?.secret).toEqual(secrets);
    const boot = () =>
      inspectedBootError({
        imports: [ConfigModule.forRoot({ ignoreEnvFile: true })],
        registrations: [
          AuthKitModule.forRootAsync({
            ...authKitConfig.asProvider(),
            controller: { grants: true },
          }),
        ],
      });
    expect(await boot()).toBe('undefined');
    setEnvironment({ AUTHKIT_GRANT_SECRET: '' });
    expect(authKitConfig().grant).toBeUndefined();
    expect(await boot()).toMatch(/AUTHKIT_GRANT_SECRET/);
  });
});

describe('AuthKitGrantService', () => {
  const createGrants = async () =>
    (await createApp({ options: { grant: { secret: GRANT_SECRET } } })).grants;

  it('verifies the grants that it has issued, without a controller', async () => {
    const grants = await createGrants();
    const identity = {
      identity: 'Ada Łovelace 🧮',
      identityType: 'organization' as const,
    };
    expect(await grants.verify(await grants.issue(identity))).toEqual(identity);
    expect(
      await grants.verify(await grants.issue({ identity: 'ada' })),
    ).toEqual({ identity: 'ada' });
  });

  it('returns the widget’s settings for an endpoint of the app', async () => {
    const grants = await createGrants();
    const url = 'https://api.app.example/token';
    const token = await grants.widgetToken({ identity: 'ada' }, url);
    expect(token.url).toBe(url);
    expect(token.expiresAt).toBe(new Date(token.expiresAt).toISOString());
    const grant = token.headers.Authorization.replace('Bearer ', '');
    expect(await grants.verify(grant)).toEqual({ identity: 'ada' });
  });

  it('rejects issuing a grant for a value that is not an identity', async () => {
    const grants = await createGrants();
    for (const [identity, reason] of [
      ['', 'unidentified'],
      ['a\nb', 'invalid_identity'],
      [5, 'invalid_identity'],
    ]) {
      const issued = grants.issue({ identity: identity as string });
      await expect(issued).rejects.toMatchObject({ reason });
    }
  });

  it.each([undefined, ''])('rejects %j as a missing grant', async (missing) => {
    const grants = await createGrants();
    await expect(grants.verify(missing)).rejects.toMatchObject({
      reason: 'unidentified',
      message: expect.stringMatching(/could not be opened/),
    });
  });

  it('rejects an object as an invalid grant', async () => {
    const grants = await createGrants();
    await expect(grants.verify({} as never)).rejects.toMatchObject({
      reason: 'unidentified',
      message: expect.stringMatching(/not valid/),
    });
  });

  it('rejects every call with the missing option when the app has no grant secret', async () => {
    const { grants } = await createApp();
    await expect(grants.issue({ identity: 'ada' })).rejects.toThrow(
      /grant: \{ secret \}/,
    );
    await expect(grants.verify('x')).rejects.toThrow(/grant: \{ secret \}/);
  });
});
