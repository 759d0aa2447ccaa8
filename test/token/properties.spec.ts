import { inspect } from 'node:util';
import { jest } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { AuthKitToken as OfficialAuthKitToken } from '@picahq/authkit-token';
import fc from 'fast-check';
import {
  AuthKitException,
  AuthKitIdentityGuard,
  CurrentIdentity,
  ExtractIdentity,
  type AuthKitIdentity,
} from '../../lib/index.js';
import type { EmulatorFault } from '../../lib/testing/index.js';
import { createTokenService, OFFICIAL_REQUESTS } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';

const SECRET = 'sk_live_do_not_tell_anyone';
const TIMEOUT = 150;
/** What a busy machine may add to a duration, in ms. */
const SLACK = 1_000;

const pica = useEmulator({
  secretKey: SECRET,
  requestId: ({ query }) => `req_${query.page}`,
});

const body = fc.oneof(
  fc.json(),
  fc.string(),
  fc.constant(`{"rows":[{"id":"${SECRET}"}],"pages":"x"}`),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);

const effect: fc.Arbitrary<EmulatorFault> = fc.oneof(
  fc.record({
    status: fc.constantFrom(
      200,
      201,
      204,
      302,
      400,
      401,
      402,
      404,
      408,
      429,
      500,
      503,
      504,
      599,
    ),
    headers: fc.record(
      {
        'retry-after': fc.constantFrom(
          '0',
          '1',
          '99999',
          '-1',
          'soon',
          'Tue, 24 Nov 2026 08:49:37 GMT',
        ),
        'content-type': fc.constantFrom(
          'application/json',
          'text/html',
          'application/json; charset=utf-8',
          '',
        ),
        'x-one-correlation-id': fc.stringMatching(/^[ -~]*$/),
      },
      { requiredKeys: [] },
    ),
    body,
  }),
  fc.record({ delay: fc.integer({ min: 0, max: 2 * TIMEOUT }) }),
  fc.constantFrom<EmulatorFault>(
    { reset: true },
    { hang: true },
    { cutOff: true },
    { malformed: true },
  ),
  fc
    .record({
      pages: fc.oneof(fc.integer({ min: -2, max: 5 }), fc.jsonValue()),
      total: fc.oneof(fc.integer(), fc.jsonValue()),
    })
    .map((changes) => ({
      transform: (page: object) => ({ ...page, ...changes }),
    })),
);

const fault = fc
  .record({
    where: fc.record(
      {
        path: fc.constantFrom('/v1/authkit', '/v1/users/flags'),
        page: fc.integer({ min: 1, max: 3 }),
        times: fc.integer({ min: 1, max: 4 }),
        skip: fc.integer({ min: 0, max: 2 }),
      },
      { requiredKeys: [] },
    ),
    effect,
  })
  .map(({ where, effect }): EmulatorFault => ({ ...where, ...effect }));

// A key `__proto__` is rejected here and accepted by the official package.
const isSafe = (value: unknown) => !JSON.stringify(value).includes('__proto__');
const rows = fc
  .array(
    fc.record(
      {
        id: fc.oneof(fc.integer(), fc.string()),
        title: fc.string(),
        tags: fc.array(fc.string()),
        extra: fc.jsonValue({ maxDepth: 3 }),
      },
      { requiredKeys: ['id'] },
    ),
    { maxLength: 330, size: 'max' },
  )
  .filter(isSafe);

describe('a token', () => {
  it('is complete or an AuthKitException without the key, within its deadline, whatever the upstream does', async () => {
    const tokens = await createTokenService(pica, {
      timeout: TIMEOUT,
      attemptTimeout: 60,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fault, { minLength: 1, maxLength: 4 }),
        async (faults) => {
          pica.reset();
          for (const one of faults) pica.fault(one);
          const started = performance.now();
          const outcome: unknown = await tokens
            .create({ identity: 'ada' })
            .catch((error: unknown) => error);
          expect(performance.now() - started).toBeLessThan(TIMEOUT + SLACK);

          if (outcome instanceof Error) {
            expect(outcome).toBeInstanceOf(AuthKitException);
            const shown = inspect(outcome, { depth: 10, showHidden: true });
            expect(shown).not.toContain(SECRET);
            expect(
              (outcome as AuthKitException).getStatus(),
            ).toBeGreaterThanOrEqual(400);
          } else {
            expect(outcome).toMatchObject({
              rows: expect.any(Array),
              isWhiteLabel: expect.any(Boolean),
            });
            expect(() => JSON.stringify(outcome)).not.toThrow();
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  it('equals the token of the official package, whatever the integrations are', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    afterTest(() => warn.mockRestore());
    const tokens = await createTokenService(pica, OFFICIAL_REQUESTS);
    const official = new OfficialAuthKitToken(SECRET, { baseUrl: pica.url });
    await fc.assert(
      fc.asyncProperty(rows, fc.boolean(), async (integrations, whiteLabel) => {
        pica.integrations = JSON.parse(JSON.stringify(integrations));
        pica.whiteLabel = whiteLabel;
        const identity = { identity: 'ada' };
        const expected: unknown = await official.create(identity);
        expect(await tokens.create(identity)).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  }, 60_000);
});

describe('AuthKitIdentityGuard', () => {
  class Controller {
    handle(@CurrentIdentity() identity: AuthKitIdentity) {
      return identity;
    }
  }
  const [{ factory: currentIdentity }] = Object.values(
    Reflect.getMetadata(ROUTE_ARGS_METADATA, Controller, 'handle'),
  ) as [
    { factory: (data: unknown, context: ExecutionContext) => AuthKitIdentity },
  ];
  const contextOf = (request: object) =>
    ({
      getType: () => 'http',
      switchToHttp: () => ({ getRequest: () => request }),
      getClass: () => Controller,
      getHandler: () => Controller.prototype.handle,
    }) as unknown as ExecutionContext;

  /** Strings around the longest that is valid, beside anything. */
  const candidate = fc.oneof(
    fc.string(),
    fc
      .record({
        text: fc.constantFrom('x', '😀', ' x'),
        length: fc.integer({ min: 250, max: 262 }),
      })
      .map(({ text, length }) => text.repeat(length).slice(0, length)),
    fc.anything({
      withBigInt: true,
      withNullPrototype: true,
      withSparseArray: true,
    }),
  );
  const requests = fc.record(
    {
      user: fc.oneof(
        fc.record({ id: candidate, sub: candidate }, { requiredKeys: [] }),
        candidate,
      ),
      headers: fc.record(
        {
          'x-user': fc.oneof(candidate, fc.array(fc.string())),
          other: fc.string(),
        },
        { requiredKeys: [] },
      ),
      body: fc.object({
        key: fc.constantFrom('identity', 'id', 'user', '__proto__'),
      }),
      query: fc.object(),
    },
    { requiredKeys: ['headers'] },
  );

  it.each([
    ['fromUser()', ExtractIdentity.fromUser()],
    ["fromUser('__proto__')", ExtractIdentity.fromUser('__proto__')],
    ["fromHeader('x-user')", ExtractIdentity.fromHeader('x-user')],
  ])(
    'with %s finds an identity of 1 to 256 valid characters or throws 400 or 401, whatever the request carries',
    async (_name, extract) => {
      const guard = new AuthKitIdentityGuard(extract);
      await fc.assert(
        fc.asyncProperty(requests, async (request) => {
          const context = contextOf(request);
          const outcome: unknown = await guard
            .canActivate(context)
            .catch((error: unknown) => error);
          if (outcome === true) {
            const found = currentIdentity(undefined, context);
            expect(typeof found.identity).toBe('string');
            expect(found.identity).toMatch(/^\P{Cc}+$/u);
            expect(found.identity.length).toBeLessThanOrEqual(256);
            expect(found.identity.trim()).not.toBe('');
            expect(found.identityType).toBe('user');
          } else {
            expect(outcome).toBeInstanceOf(AuthKitException);
            expect([400, 401]).toContain(
              (outcome as AuthKitException).getStatus(),
            );
            expect(() => currentIdentity(undefined, context)).toThrow(
              /Controller\.handle/,
            );
          }
        }),
        { numRuns: 1_000 },
      );
    },
  );
});
