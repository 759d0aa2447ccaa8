import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import type {
  AuthKitException,
  AuthKitIdentity,
  AuthKitTokenService,
} from '../../lib/index.js';
import { createTokenService, reasonOf, startApp } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';
import { until } from '../support/until.js';

const pica = useEmulator({ integrations: 20 });

// A thousand tokens take a while on a busy machine.
jest.setTimeout(30_000);

/** Options with which no request ends by itself. */
const PATIENT = { timeout: 60_000, attemptTimeout: 60_000 };

const of = (tenant: string, identity = `user of ${tenant}`) => ({
  identity,
  tenant,
});
const ADA = of('a', 'ada');

const BOB = { identity: 'bob' };
/** Bob has a key of his own. */
const keyOf = (identity?: AuthKitIdentity): string =>
  identity?.identity === 'bob' ? 'sk_test_bob' : pica.secretKey;

/** Starts tokens of a tenant whose Pica hangs. They end with the test, or when they are aborted. */
function hang(
  tokens: AuthKitTokenService,
  count: number,
  identity: AuthKitIdentity,
) {
  const caller = new AbortController();
  setMaxListeners(0, caller.signal);
  afterTest(() => caller.abort());
  const { signal } = caller;
  const outcomes = Array.from({ length: count }, () =>
    reasonOf(tokens.create(identity, { signal })),
  );
  return {
    async abort(): Promise<void> {
      caller.abort();
      expect(new Set(await Promise.all(outcomes))).toEqual(
        new Set(['cancelled']),
      );
    },
  };
}

/** The pages in flight: nothing but tokens that hang are pending. */
const inFlight = () =>
  pica.requests.filter(
    ({ method, status, aborted }) =>
      method === 'POST' && status === undefined && !aborted,
  ).length;

/** Makes Pica hang for everybody but Ada. */
const hangForOthers = () =>
  pica.fault({
    method: 'POST',
    when: ({ body }) => (body as AuthKitIdentity).identity !== 'ada',
    hang: true,
  });

it('a token takes its normal time while 800 tokens of another tenant of the same key hang', async () => {
  const identity = ({ headers }: { headers: Record<string, string> }) =>
    of(headers['x-tenant']!, headers['x-user']);
  const { tokens, tokenUrl } = await startApp({
    pica,
    options: { ...PATIENT, identity },
  });
  const request = (headers: Record<string, string>) =>
    requestToken(tokenUrl, {
      headers: { authorization: 'Bearer x', ...headers },
    });
  hangForOthers();
  hang(tokens, 800, of('b'));
  await until(() => inFlight() === 64);
  for (let index = 0; index < 5; index += 1) {
    const started = performance.now();
    const response = await request({ 'x-tenant': 'a', 'x-user': 'ada' });
    expect(response.status).toBe(200);
    expect(response.body.rows).toEqual(pica.rows);
    expect(performance.now() - started).toBeLessThan(1_500);
  }
  // No more than 64 calls of one tenant are in flight.
  expect(inFlight()).toBe(64);

  const refused = await request({ 'x-tenant': 'b', 'x-user': 'bob' });
  expect([refused.status, refused.body.reason]).toEqual([503, 'rate_limited']);
  expect(refused.headers.get('retry-after')).toBe('1');
});

it('a token of a tenant without a call in flight succeeds while four others have taken all calls but the reserved ones', async () => {
  const tokens = await createTokenService(pica, PATIENT);
  hangForOthers();
  for (const tenant of ['b', 'c', 'd', 'e']) hang(tokens, 70, of(tenant));
  await until(() => inFlight() === 224);
  for (const _ of [1, 2]) {
    expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
  }
  expect(inFlight()).toBe(224);
});

it('no more than 256 calls are in flight, however many tenants there are', async () => {
  const tokens = await createTokenService(pica, {
    ...PATIENT,
    cache: { flags: false },
  });
  pica.fault({ hang: true });
  for (let index = 0; index < 300; index += 1) {
    hang(tokens, 1, of(`tenant-${index}`));
  }
  await until(() => pica.requests.length >= 256);
  await sleep(100);
  expect(pica.requests).toHaveLength(256);
});

it('waiting calls of two tenants start in turn when calls end', async () => {
  const tokens = await createTokenService(pica, PATIENT);
  hangForOthers();
  const ending = hang(tokens, 10, of('b'));
  hang(tokens, 54, of('b'));
  for (const tenant of ['c', 'd', 'e']) hang(tokens, 53, of(tenant));
  hang(tokens, 1, of('e'));
  await until(() => inFlight() === 224);
  // One call of each has a reserved place; the others wait.
  hang(tokens, 20, of('f'));
  hang(tokens, 20, of('g'));
  await until(() => inFlight() === 226);
  const before = pica.requests.length;
  await ending.abort();
  await until(() => inFlight() === 224);
  const tenants = pica.requests
    .slice(before)
    .filter(({ method }) => method === 'POST')
    .map(({ body }) => (body as AuthKitIdentity).identity)
    .sort();
  // The two that have started beyond the limit take the place of two of the ten.
  expect(tenants).toEqual([
    ...Array.from({ length: 4 }, () => 'user of f'),
    ...Array.from({ length: 4 }, () => 'user of g'),
  ]);
});

it('a token takes its normal time while 900 tokens of another key hang, and the 901st fails as rate_limited', async () => {
  const tokens = await createTokenService(pica, {
    ...PATIENT,
    secretKey: keyOf,
  });
  hangForOthers();
  hang(tokens, 900, BOB);
  await until(() => inFlight() === 64);
  const started = performance.now();
  expect((await tokens.create({ identity: 'ada' })).rows).toEqual(pica.rows);
  expect(performance.now() - started).toBeLessThan(1_500);
  expect(await reasonOf(tokens.create(BOB))).toBe('rate_limited');
});

it('the 901st pending token of a key fails as rate_limited, however many tenants it has', async () => {
  const tokens = await createTokenService(pica, PATIENT);
  hangForOthers();
  hang(tokens, 800, of('b'));
  const others = hang(tokens, 100, of('c'));
  expect(await reasonOf(tokens.create(ADA))).toBe('rate_limited');
  await others.abort();
  expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
});

it('the 1,001st pending token fails as rate_limited, whoever it is for, and the next one succeeds once others have ended', async () => {
  const tokens = await createTokenService(pica, {
    ...PATIENT,
    secretKey: keyOf,
  });
  hangForOthers();
  hang(tokens, 900, BOB);
  const others = hang(tokens, 100, { identity: 'carol' });
  const ada = { identity: 'ada' };
  const failure = await tokens.create(ada).catch((error: unknown) => error);
  const { reason, retryAfter } = failure as AuthKitException;
  expect([reason, retryAfter]).toEqual(['rate_limited', 1]);
  await others.abort();
  expect((await tokens.create(ada)).rows).toEqual(pica.rows);
});

it('a token succeeds while the secretKey function hangs for another tenant, whose 801st pending token fails as rate_limited', async () => {
  const tokens = await createTokenService(pica, {
    ...PATIENT,
    secretKey: (identity) =>
      identity?.tenant === 'b' ? new Promise(() => {}) : pica.secretKey,
  });
  const others = hang(tokens, 800, of('b'));
  expect(await reasonOf(tokens.create(of('b')))).toBe('rate_limited');
  expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
  await others.abort();
  // Its slots are free again.
  const signal = AbortSignal.timeout(50);
  expect(await reasonOf(tokens.create(of('b'), { signal }))).toBe('cancelled');
});
