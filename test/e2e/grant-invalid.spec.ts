import { Module } from '@nestjs/common';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import * as fc from 'fast-check';
import { generateKeyPair, SignJWT } from 'jose';
import {
  AuthKitException,
  AuthKitGrantService,
  AuthKitModule,
} from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import {
  bearing,
  claims,
  encode,
  forge,
  now,
  OTHER_SECRET,
  SECRET,
  unsigned,
} from '../support/grants.js';
import { createApp, PLATFORMS, runApp, stopApps } from '../support/run-app.js';
import { SessionGuard } from '../support/session.guard.js';
import { askForToken, WIDGET } from '../support/widget.js';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start({ integrations: 1 });
});
afterEach(async () => {
  await stopApps();
  pica.reset();
});
afterAll(() => pica.stop());

/** An app whose tokens are for those with a grant. */
const appOf = (grants: true | 'optional') => {
  @Module({
    imports: [
      AuthKitModule.forRoot({
        secretKey: pica.secretKey,
        baseUrl: pica.url,
        grant: { secret: SECRET },
        controller: { guards: [SessionGuard], grants },
      }),
    ],
  })
  class App {}
  return App;
};

const without = (claim: string) => forge({ [claim]: undefined });

const signedByKeyPair = async () => {
  const { privateKey } = await generateKeyPair('RS256');
  return new SignJWT(claims())
    .setProtectedHeader({ alg: 'RS256', typ: 'authkit-grant+jwt' })
    .sign(privateKey);
};

const tampered = async () => {
  const [header, , signature] = (await forge()).split('.');
  return `${header}.${encode({ ...claims(), sub: 'mallory' })}.${signature}`;
};

/** Grants that must not be accepted, and what the widget is to show. */
const BAD: [string, () => string | Promise<string>, RegExp][] = [
  [
    'expired',
    () => forge({ exp: now() - 6 }),
    /expired.*open the dialog again/i,
  ],
  [
    'expired years ago',
    () => forge({ exp: 1 }),
    /expired.*open the dialog again/i,
  ],
  [
    'made by a clock that is ahead',
    () => forge({ iat: now() + 30, exp: now() + 90 }),
    /not valid yet.*again/i,
  ],
  [
    'for this endpoint among others',
    () => forge({ aud: ['/authkit-token', '/elsewhere'] }),
    /another endpoint/,
  ],
  [
    'of a type in another spelling',
    () => forge({}, { typ: 'application/authkit-grant+jwt' }),
    /not valid/,
  ],
  ['not yet valid', () => forge({ nbf: now() + 30 }), /not valid yet.*again/i],
  [
    'for another endpoint',
    () => forge({ aud: '/team/authkit-token' }),
    /another endpoint/,
  ],
  ['of another issuer', () => forge({ iss: 'someone' }), /another endpoint/],
  ['without a signature (alg: none)', unsigned, /not valid/],
  [
    'signed by HS512 with our secret',
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
    'another JWT of the app, with the same secret',
    () => forge({}, { typ: 'JWT' }),
    /not valid/,
  ],
  ['tampered with', tampered, /not valid/],
  ['cut short', async () => (await forge()).slice(0, -1), /not valid/],
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
  ['no JWT at all', () => 'ada', /not valid/],
  ['huge', () => forge({ more: 'x'.repeat(7_000) }), /not valid/],
  ...['sub', 'iat', 'exp', 'jti', 'aud', 'iss'].map(
    (claim): (typeof BAD)[number] => [
      `without ${claim}`,
      () => without(claim),
      /again/,
    ],
  ),
  ['for nobody', () => forge({ sub: ' ' }), /not valid/],
  ['for a number', () => forge({ sub: 5 as unknown as string }), /not valid/],
  [
    'for a type that does not exist',
    () => forge({ identityType: 'admin' }),
    /not valid/,
  ],
  [
    'with a critical extension',
    async () => {
      const header = {
        alg: 'HS256',
        typ: 'authkit-grant+jwt',
        crit: ['x'],
        x: 1,
      };
      const [, ...rest] = (await forge()).split('.');
      return [encode(header), ...rest].join('.');
    },
    /not valid/,
  ],
];

describe.each(PLATFORMS)('a bad grant on %s', (platform) => {
  describe.each([true, 'optional'] as const)('with grants: %s', (grants) => {
    let url: string;
    beforeEach(async () => {
      url = `${await runApp(platform, appOf(grants))}/authkit-token`;
    });

    it('differs from a good one', async () => {
      const headers = bearing(await forge());
      expect((await askForToken(url, { headers })).status).toBe(200);
    });

    it('is told by its clock with 5 seconds of tolerance', async () => {
      for (const times of [{ exp: now() - 2 }, { nbf: now() + 3 }]) {
        const headers = bearing(await forge(times));
        expect((await askForToken(url, { headers })).status).toBe(200);
      }
    });

    // Where grants are optional, what does not pose as one goes to the guards of the app.
    const bad = BAD.filter(
      ([name]) =>
        grants === true ||
        !/parts|no JWT|huge|another JWT|another spelling|cut short/.test(name),
    );
    it.each(bad)(
      '%s: 401, and Pica is not asked',
      async (_name, make, message) => {
        const grant = await make();
        const answer = await askForToken(url, { headers: bearing(grant) });
        expect(answer.status).toBe(401);
        expect(answer.body).toEqual({
          statusCode: 401,
          error: 'Unauthorized',
          reason: 'unidentified',
          message: expect.stringMatching(message),
        });
        expect(answer.text).not.toContain(grant);
        expect(answer.headers.get('access-control-allow-origin')).toBe(WIDGET);
        expect(pica.requests).toHaveLength(0);
      },
    );
  });
});

describe('a mutated grant', () => {
  const serviceOf = async () =>
    (await createApp('Express', appOf(true))).get(AuthKitGrantService, {
      strict: false,
    });

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

  it('is never accepted, and is refused by nothing but a 401', async () => {
    const service = await serviceOf();
    const grant = await service.issue({ identity: 'ada' });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        async (mutations) => {
          const mutant = mutations.reduce(
            (text, mutate) => mutate(text),
            grant,
          );
          fc.pre(mutant !== grant);
          const outcome: unknown = await service
            .verify(mutant)
            .catch((error: unknown) => error);
          refused += 1;
          return (
            outcome instanceof AuthKitException &&
            outcome.reason === 'unidentified'
          );
        },
      ),
      { numRuns: 2_000 },
    );
    expect(refused).toBe(2_000);
    expect(await service.verify(grant)).toEqual({ identity: 'ada' });
  });

  it('is not accepted in another spelling of the same signature either', async () => {
    const service = await serviceOf();
    const grant = await service.issue({ identity: 'ada' });
    // The last character of 32 bytes in base64url has two bits that decoders ignore.
    const alphabet =
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(grant.at(-1)!);
    const twin = grant.slice(0, -1) + alphabet[last ^ 1];
    const bytes = (jwt: string) => Buffer.from(jwt.split('.')[2]!, 'base64url');
    expect(bytes(twin)).toEqual(bytes(grant));
    await expect(service.verify(twin)).rejects.toThrow(/not valid/);
    await expect(service.verify(`${grant}=`)).rejects.toThrow(/not valid/);
  });
});
