import { LIMITS } from '../../lib/options/limits.js';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createTokenService, reasonOf, startApp } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { requestNames, useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';
import { traceEvents } from '../support/trace.js';
import { until } from '../support/until.js';

const pica = useEmulator();
const ADA = { identity: 'ada' };
const BOB = { identity: 'bob' };

/** The length of a token in bytes: its pages are about as long together. */
const TOKEN_BYTES = 120_000;

beforeEach(() => {
  pica.integrations = 20;
  const size = Math.ceil(
    TOKEN_BYTES / 20 - JSON.stringify(pica.rows).length / 20,
  );
  pica.integrations = pica.rows.map((row) => ({
    ...row,
    guide: 'x'.repeat(size),
  }));
});

it('a token fails as rate_limited when its pages are larger than `maxBytesInFlight`, and does not copy their rows', async () => {
  for (const [factor, reason] of [
    [0.9, 'rate_limited'],
    [1.3, 'none'],
  ] as const) {
    const tokens = await createTokenService(pica, {
      [LIMITS]: { maxBytesInFlight: factor * TOKEN_BYTES },
    });
    for (const _ of [1, 2]) {
      expect(await reasonOf(tokens.create(ADA))).toBe(reason);
    }
  }
});

it.each([
  ['4 MB are read', 0, 'none'],
  ['4 MB and a byte are malformed', 1, 'malformed'],
])('of one body %s', async (_what, more, reason) => {
  const tokens = await createTokenService(pica);
  const body = '{"rows":[],"total":0,"pages":1,"more":""}';
  const filler = 'x'.repeat(4 * 1024 * 1024 + more - body.length);
  pica.fault({ page: 1, body: body.replace('""', `"${filler}"`) });
  expect(await reasonOf(tokens.create(ADA))).toBe(reason);
});

it('the token whose bytes cross the limit answers 503 with Retry-After and closes its calls, and others do not notice', async () => {
  const { tokens, tokenUrl } = await startApp({
    pica,
    options: {
      [LIMITS]: { maxBytesInFlight: 3 * TOKEN_BYTES, pageSize: 10 },
      timeout: 60_000,
      attemptTimeout: 60_000,
      retries: 0,
    },
  });
  // Each of them holds its first page, half of its token.
  const hanging = pica.fault({ page: 2, when: isNot('ada'), hang: true });
  const caller = new AbortController();
  afterTest(() => caller.abort());
  const users = ['u1', 'u2', 'u3', 'u4', 'u5'];
  const held = users.map((identity) =>
    reasonOf(tokens.create({ identity }, { signal: caller.signal })),
  );
  await until(() => hanging.hits === 5);

  // One page more fits, and a second one does not.
  pica.fault({ page: 2, identity: 'ada', trickle: { bytes: 500, every: 1 } });
  const before = pica.requests.length;
  const refused = await requestToken(tokenUrl);
  expect([refused.status, refused.body.reason]).toEqual([503, 'rate_limited']);
  expect(refused.headers.get('retry-after')).toBe('1');
  await until(() => pica.requests.slice(before).some(({ aborted }) => aborted));

  caller.abort();
  await Promise.all(held);
  pica.clearFaults();
  expect((await requestToken(tokenUrl)).status).toBe(200);
});

it('bytes are given back when a token fails, is cancelled or succeeds', async () => {
  const tokens = await createTokenService(pica, {
    [LIMITS]: { maxBytesInFlight: 2.3 * TOKEN_BYTES, pageSize: 10 },
    retries: 0,
  });
  for (let index = 0; index < 5; index += 1) {
    const fault = pica.fault({ page: 2, status: 400 });
    expect(await reasonOf(tokens.create(ADA))).toBe('rejected');
    fault.remove();

    const hanging = pica.fault({ page: 2, hang: true });
    const caller = new AbortController();
    const token = reasonOf(tokens.create(ADA, { signal: caller.signal }));
    await until(() => hanging.hits === 1);
    caller.abort();
    expect(await token).toBe('cancelled');
    hanging.remove();

    expect(await reasonOf(tokens.create(ADA))).toBe('none');
  }
});

it('bytes of a call that tokens share are given back, and not held by a token that has ended', async () => {
  pica.whiteLabel = true;
  pica.integrations = 20;
  const tokens = await createTokenService(pica, {
    [LIMITS]: { maxBytesInFlight: 1_000_000 },
    cache: { ttl: 1 },
  });
  const flags = {
    authkitWhitelist: true,
    accessList: ['x'.repeat(300_000)],
  };
  const fault = pica.fault({
    path: '/v1/users/flags',
    body: flags,
    delay: 150,
  });
  // Six times 300 kB do not fit.
  for (let index = 1; index <= 6; index += 1) {
    const caller = new AbortController();
    const first = reasonOf(
      tokens.create({ ...ADA, tenant: `t${index}` }, { signal: caller.signal }),
    );
    await until(() => fault.hits === index);
    const second = tokens.create({ ...BOB, tenant: `t${index}` });
    await until(() => requestNames(pica).length >= index * 3);
    caller.abort();
    expect(await first).toBe('cancelled');
    expect((await second).isWhiteLabel).toBe(true);
  }
});

it('a pending token holds the text of its pages, and not the objects in it, which take many times the memory', async () => {
  const tokens = await createTokenService(pica, {
    [LIMITS]: { pageSize: 1 },
    timeout: 60_000,
    attemptTimeout: 60_000,
  });
  const objects = `[${'{},'.repeat(350_000)}{}]`;
  for (let page = 1; page <= 5; page += 1) {
    const body = `{"rows":[{"id":${page},"a":${objects}}],"total":6,"pages":6,"page":${page}}`;
    pica.fault({ page, method: 'POST', body: Buffer.from(body) });
  }
  pica.fault({ page: 6, hang: true });
  const events = traceEvents(['upstream']);
  const caller = new AbortController();
  afterTest(() => caller.abort());
  const before = usedHeap();
  const token = reasonOf(tokens.create(ADA, { signal: caller.signal }));
  const arrived = () =>
    events.filter(
      ({ event, context }) =>
        event === 'asyncEnd' && context.operation === 'POST /v1/authkit',
    );
  await until(() => arrived().length === 5);
  // 5 MB of text are 100 MB of objects.
  expect(usedHeap() - before).toBeLessThan(30_000_000);
  caller.abort();
  expect(await token).toBe('cancelled');
});

/** Matches the token calls of others. */
function isNot(identity: string) {
  return ({ body }: { body: unknown }) =>
    (body as { identity?: string } | undefined)?.identity !== identity;
}

/** The memory that objects in use take, in bytes. */
function usedHeap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
