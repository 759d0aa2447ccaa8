import { inspect } from 'node:util';
import type { ExecutionContext } from '@nestjs/common';
import { AuthKitToken as OfficialAuthKitToken } from '@picahq/authkit-token';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import fc from 'fast-check';
import {
  AuthKitException,
  AuthKitIdentityGuard,
  ExtractIdentity,
  type AuthKitTokenService,
} from '../../lib/index.js';
import { getRequestIdentity } from '../../lib/identity/request-identity.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { stopApps } from '../support/run-app.js';
import { tokenService } from '../support/token-service.js';

type Fault = Parameters<PicaEmulator['fault']>[0];

const SECRET = 'sk_live_do_not_tell_anyone';
const TIMEOUT = 150;
/** What a busy machine may add (ms); a token that does not end at all takes longer. */
const SLACK = 1_000;

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start({
    secretKey: SECRET,
    requestId: ({ query }) => `req_${query.page}`,
  });
});
afterEach(() => {
  pica.reset();
  pica.integrations = 247;
});
afterAll(async () => {
  await stopApps();
  await pica.stop();
});

const body = fc.oneof(
  fc.json(),
  fc.string(),
  fc.constant(`{"rows":[{"id":"${SECRET}"}],"pages":"x"}`),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);

const effect: fc.Arbitrary<Fault> = fc.oneof(
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
  fc.constantFrom<Fault>(
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
    .map((lie) => ({ transform: (answer: object) => ({ ...answer, ...lie }) })),
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
  .map(({ where, effect }): Fault => ({ ...where, ...effect }));

describe('whatever Pica does', () => {
  let tokens: AuthKitTokenService;
  beforeAll(async () => {
    tokens = await tokenService(pica, { timeout: TIMEOUT, attemptTimeout: 60 });
  });

  it('a token ends within its deadline, well-formed or as an AuthKitException without the key', async () => {
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
              isWhiteLabel: expect.any(Boolean),
            });
            expect(Array.isArray((outcome as { rows: unknown }).rows)).toBe(
              true,
            );
            expect(() => JSON.stringify(outcome)).not.toThrow();
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);
});

describe('whatever a request carries', () => {
  const contextOf = (request: object) =>
    ({
      switchToHttp: () => ({ getRequest: () => request }),
    }) as ExecutionContext;
  const requests = fc.record(
    {
      user: fc.anything({
        withBigInt: true,
        withNullPrototype: true,
        withSparseArray: true,
      }),
      headers: fc.dictionary(
        fc.string(),
        fc.oneof(fc.string(), fc.array(fc.string())),
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
    '%s finds a valid identity in it, or refuses it with 400 or 401',
    async (_name, extract) => {
      const guard = new AuthKitIdentityGuard(extract);
      await fc.assert(
        fc.asyncProperty(requests, async (request) => {
          const outcome: unknown = await guard
            .canActivate(contextOf(request))
            .catch((error: unknown) => error);
          if (outcome === true) {
            const { identity, identityType } = getRequestIdentity(request)!;
            expect(typeof identity).toBe('string');
            expect(identity).toMatch(/^\P{Cc}{1,512}$/u);
            expect(identity.trim()).not.toBe('');
            expect(identityType).toBe('user');
          } else {
            expect(outcome).toBeInstanceOf(AuthKitException);
            expect([400, 401]).toContain(
              (outcome as AuthKitException).getStatus(),
            );
            expect(getRequestIdentity(request)).toBeUndefined();
          }
        }),
        { numRuns: 1_000 },
      );
    },
  );
});

describe('whatever the catalogue', () => {
  // A key `__proto__` is the one thing that we refuse where the official package hands it on.
  const harmless = (value: unknown) =>
    !JSON.stringify(value).includes('__proto__');
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
    .filter(harmless);

  it('the answer is the official package’s', async () => {
    jest.spyOn(console, 'warn').mockImplementation(() => {});
    const tokens = await tokenService(pica);
    const official = new OfficialAuthKitToken(SECRET, { baseUrl: pica.url });
    await fc.assert(
      fc.asyncProperty(rows, fc.boolean(), async (catalogue, whiteLabel) => {
        pica.integrations = JSON.parse(JSON.stringify(catalogue));
        pica.whiteLabel = whiteLabel;
        const who = { identity: 'ada' };
        const expected: unknown = await official.create(who);
        expect(await tokens.create(who)).toEqual(expected);
      }),
      { numRuns: 20 },
    );
    pica.whiteLabel = false;
    jest.restoreAllMocks();
  }, 60_000);
});
