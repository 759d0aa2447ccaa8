import * as fc from 'fast-check';
import { generateKeyPair, SignJWT } from 'jose';
import { AuthKitException } from '../../lib/index.js';
import { createApp, PLATFORMS, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import {
  bearer,
  encodePart,
  forge,
  GRANT_SECRET,
  grantClaims,
  now,
  OTHER_SECRET,
  unsignedGrant,
} from '../support/grants.js';
import { requestToken, WIDGET } from '../support/http.js';

const pica = useEmulator({ integrations: 1 });

const signedByKeyPair = async () => {
  const { privateKey } = await generateKeyPair('RS256');
  return new SignJWT(grantClaims())
    .setProtectedHeader({ alg: 'RS256', typ: 'authkit-grant+jwt' })
    .sign(privateKey);
};

const tampered = async () => {
  const [header, , signature] = (await forge()).split('.');
  return `${header}.${encodePart({ ...grantClaims(), sub: 'mallory' })}.${signature}`;
};

/** What a grant is that is not accepted, as it reads after "a grant …", and the message for the user. */
const INVALID: [
  name: string,
  make: () => string | Promise<string>,
  message: RegExp,
][] = [
  [
    'that has expired',
    () => forge({ exp: now() - 6 }),
    /expired.*open the dialog again/i,
  ],
  [
    'that expired years ago',
    () => forge({ exp: 1 }),
    /expired.*open the dialog again/i,
  ],
  [
    'that is older than the `ttl`, though a longer one was configured when it was issued',
    () => forge({ iat: now() - 306, exp: now() + 60 }),
    /expired.*open the dialog again/i,
  ],
  [
    'issued in the future',
    () => forge({ iat: now() + 30, exp: now() + 90 }),
    /not valid yet.*again/i,
  ],
  [
    'for this endpoint and another',
    () => forge({ aud: ['/authkit-token', '/elsewhere'] }),
    /could not be opened.*try again/,
  ],
  [
    'with its type in the long form',
    () => forge({}, { typ: 'application/authkit-grant+jwt' }),
    /not valid/,
  ],
  [
    'that is not valid yet',
    () => forge({ nbf: now() + 30 }),
    /not valid yet.*again/i,
  ],
  [
    'for another endpoint',
    () => forge({ aud: '/team/authkit-token' }),
    /could not be opened.*try again/,
  ],
  [
    'of another issuer',
    () => forge({ iss: 'someone' }),
    /could not be opened.*try again/,
  ],
  ['with `alg: none`', unsignedGrant, /not valid/],
  [
    'signed by HS512 with the same secret',
    () => forge({}, { alg: 'HS512' }),
    /not valid/,
  ],
  ['signed by RS256', signedByKeyPair, /not valid/],
  [
    'signed with another secret',
    () => forge({}, { secret: OTHER_SECRET }),
    /not valid/,
  ],
  [
    'that is another JWT of the app, signed with the same secret',
    () => forge({}, { typ: 'JWT' }),
    /not valid/,
  ],
  ['with changed claims', tampered, /not valid/],
  [
    'without its last character',
    async () => (await forge()).slice(0, -1),
    /not valid/,
  ],
  [
    'without its signature',
    async () => (await forge()).replace(/[^.]*$/, ''),
    /not valid/,
  ],
  [
    'of two parts',
    async () => (await forge()).replace(/\.[^.]*$/, ''),
    /not valid/,
  ],
  ['of four parts', async () => `${await forge()}.e30`, /not valid/],
  ['that is not a JWT', () => 'ada', /not valid/],
  ['of 9 kB', () => forge({ more: 'x'.repeat(7_000) }), /not valid/],
  ...['sub', 'iat', 'exp', 'jti', 'aud', 'iss'].map(
    (claim): (typeof INVALID)[number] => [
      `without the claim ${claim}`,
      () => forge({ [claim]: undefined }),
      /again/,
    ],
  ),
  ['for a blank identity', () => forge({ sub: ' ' }), /not valid/],
  [
    'for a number as identity',
    () => forge({ sub: 5 as unknown as string }),
    /not valid/,
  ],
  [
    'for an unknown identity type',
    () => forge({ identityType: 'admin' }),
    /not valid/,
  ],
  [
    'with a critical header parameter',
    async () => {
      const header = {
        alg: 'HS256',
        typ: 'authkit-grant+jwt',
        crit: ['x'],
        x: 1,
      };
      const [, ...rest] = (await forge()).split('.');
      return [encodePart(header), ...rest].join('.');
    },
    /not valid/,
  ],
];

/** Tokens that do not have the form of a grant, which the app's guards get where grants are optional. */
const NOT_LIKE_A_GRANT =
  /parts|not a JWT|9 kB|another JWT|long form|last character/;

describe.each(PLATFORMS)('on %s', (platform) => {
  describe.each([true, 'optional'] as const)('with grants: %s', (grants) => {
    const request = async (grant: string) => {
      const { tokenUrl } = await startApp({
        pica,
        platform,
        controller: { grants },
      });
      return requestToken(tokenUrl, { headers: bearer(grant) });
    };

    it('a valid grant is accepted', async () => {
      expect((await request(await forge())).status).toBe(200);
    });

    it('a grant is accepted within a clock skew of 5 s', async () => {
      for (const times of [{ exp: now() - 2 }, { nbf: now() + 3 }]) {
        expect((await request(await forge(times))).status).toBe(200);
      }
    });

    it.each(
      INVALID.filter(
        ([name]) => grants === true || !NOT_LIKE_A_GRANT.test(name),
      ),
    )(
      'a grant %s is refused with 401, without a request to Pica',
      async (_name, make, message) => {
        const grant = await make();
        const response = await request(grant);
        expect(response.status).toBe(401);
        expect(response.body).toEqual({
          statusCode: 401,
          error: 'Unauthorized',
          reason: 'unidentified',
          message: expect.stringMatching(message),
        });
        expect(response.text).not.toContain(grant);
        expect(response.headers.get('access-control-allow-origin')).toBe(
          WIDGET,
        );
        expect(pica.requests).toHaveLength(0);
      },
    );
  });
});

describe('AuthKitGrantService.verify()', () => {
  const createGrants = async () =>
    (await createApp({ options: { grant: { secret: GRANT_SECRET } } })).grants;

  /** Places in a text, as shares of its length. */
  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const text = fc.oneof(
    fc.string({ minLength: 1, maxLength: 4 }),
    fc.stringMatching(/^[\w.=+/-]{1,4}$/),
  );
  const mutation: fc.Arbitrary<(grant: string) => string> = fc.oneof(
    fc.tuple(place, text).map(([at, inserted]) => (grant: string) => {
      const index = Math.floor(at * (grant.length + 1));
      return grant.slice(0, index) + inserted + grant.slice(index);
    }),
    fc.tuple(place, text).map(([at, put]) => (grant: string) => {
      const index = Math.floor(at * grant.length);
      return grant.slice(0, index) + put + grant.slice(index + put.length);
    }),
    fc.tuple(place, place).map(([from, length]) => (grant: string) => {
      const index = Math.floor(from * grant.length);
      return (
        grant.slice(0, index) +
        grant.slice(index + 1 + Math.floor(length * grant.length))
      );
    }),
    fc
      .tuple(place, fc.integer({ min: 0, max: 7 }))
      .map(([at, bit]) => (grant: string) => {
        const bytes = Buffer.from(grant);
        bytes[Math.floor(at * bytes.length)]! ^= 1 << bit;
        return bytes.toString('latin1');
      }),
  );

  it('rejects 2000 random mutations of a grant, each as unidentified', async () => {
    const grants = await createGrants();
    const grant = await grants.issue({ identity: 'ada' });
    let rejected = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        async (mutations) => {
          const mutant = mutations.reduce(
            (text, mutate) => mutate(text),
            grant,
          );
          fc.pre(mutant !== grant);
          const error: unknown = await grants
            .verify(mutant)
            .catch((reason: unknown) => reason);
          rejected += 1;
          return (
            error instanceof AuthKitException && error.reason === 'unidentified'
          );
        },
      ),
      { numRuns: 2_000 },
    );
    expect(rejected).toBe(2_000);
    expect(await grants.verify(grant)).toEqual({ identity: 'ada' });
  });

  it('rejects a grant whose signature is encoded in a non-canonical way', async () => {
    const grants = await createGrants();
    const grant = await grants.issue({ identity: 'ada' });
    // The last character of 32 bytes in base64url has two bits that decoders ignore.
    const alphabet =
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(grant.at(-1)!);
    const twin = grant.slice(0, -1) + alphabet[last ^ 1];
    const bytes = (jwt: string) => Buffer.from(jwt.split('.')[2]!, 'base64url');
    expect(bytes(twin)).toEqual(bytes(grant));
    await expect(grants.verify(twin)).rejects.toThrow(/not valid/);
    await expect(grants.verify(`${grant}=`)).rejects.toThrow(/not valid/);
  });
});
