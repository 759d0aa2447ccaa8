import { setMaxListeners } from 'node:events';
import { inspect } from 'node:util';
import { Admission, CallSlots, SingleFlight } from '../../lib/core/limits.js';
import type { AuthKitException, AuthKitIdentity } from '../../lib/index.js';
import { createTokenService, reasonOf, startApp } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';
import { until } from '../support/until.js';

const { signal } = new AbortController();
setMaxListeners(0, signal);

/** The reason of what a function throws, or `'none'`. */
const refusal = (run: () => void) => {
  try {
    run();
    return 'none';
  } catch (error) {
    return (error as AuthKitException).reason;
  }
};

describe('the admission of requests', () => {
  it('refuses the 1,001st pending one, and admits one again when one has left', () => {
    const admission = new Admission();
    const [first] = Array.from({ length: 1_000 }, () => admission.enter());
    expect(() => admission.enter()).toThrow(
      expect.objectContaining({ reason: 'rate_limited', retryAfter: 1 }),
    );
    first!.leave();
    expect(refusal(() => admission.enter())).toBe('none');
    expect(refusal(() => admission.enter())).toBe('rate_limited');
  });

  it('refuses the 501st of a tenant or account, and none of others', () => {
    const admission = new Admission();
    const ofAda = Array.from({ length: 500 }, () => {
      const admitted = admission.enter();
      admitted.countFor('tenant ada');
      return admitted;
    });
    const next = admission.enter();
    expect(refusal(() => next.countFor('tenant ada'))).toBe('rate_limited');
    expect(refusal(() => next.countFor('tenant bob'))).toBe('none');
    ofAda[0]!.leave();
    expect(refusal(() => next.countFor('tenant ada'))).toBe('none');
    // It counts for both until it leaves.
    const last = admission.enter();
    expect(refusal(() => last.countFor('tenant ada'))).toBe('rate_limited');
    next.leave();
    expect(refusal(() => last.countFor('tenant ada'))).toBe('none');
  });

  it('is idle once all have left, and shows no account', async () => {
    const admission = new Admission();
    const admitted = admission.enter();
    admitted.countFor('sk_test_1');
    expect(inspect(admission, { showHidden: true })).not.toContain('sk_test');
    let isIdle = false;
    const idle = admission.idle().then(() => (isIdle = true));
    await new Promise(setImmediate);
    expect(isIdle).toBe(false);
    admitted.leave();
    await idle;
  });
});

describe('the slots of calls', () => {
  /** Starts calls of an account, and lists those that have started. */
  const started: string[] = [];
  const start = (slots: CallSlots, account: string, count = 1) => {
    for (let index = 0; index < count; index += 1) {
      void slots.start(account, signal).then(() => started.push(account));
    }
    return new Promise(setImmediate);
  };
  const countOf = (account: string) =>
    started.filter((each) => each === account).length;
  beforeEach(() => void (started.length = 0));

  it('are 64 for one account, while others start at once', async () => {
    const slots = new CallSlots();
    await start(slots, 'a', 100);
    expect(countOf('a')).toBe(64);
    await start(slots, 'b');
    expect(countOf('b')).toBe(1);
  });

  it('are 256 in all, of which 32 are for accounts without a call in flight', async () => {
    const slots = new CallSlots();
    for (const account of ['a', 'b', 'c', 'd', 'e']) {
      await start(slots, account, 64);
    }
    // The fifth has its first call alone.
    expect(started).toHaveLength(224 + 1);
    for (let index = 0; index < 40; index += 1) {
      await start(slots, `other ${index}`);
    }
    expect(started).toHaveLength(256);
  });

  it('go to waiting accounts in turn, and within one in order of arrival', async () => {
    const slots = new CallSlots();
    for (const account of ['x', 'y', 'z', 'w']) {
      await start(slots, account, account === 'w' ? 32 : 64);
    }
    const order: string[] = [];
    for (const account of ['a', 'b']) {
      // The first has a place that is kept free.
      for (const index of [0, 1, 2]) {
        void slots
          .start(account, signal)
          .then(() => order.push(`${account}${index}`));
      }
    }
    await until(() => order.length === 2);
    for (let index = 0; index < 6; index += 1) slots.end('x');
    await until(() => order.length === 6);
    expect(order).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
  });

  it('are not taken by what has stopped waiting', async () => {
    const slots = new CallSlots();
    await start(slots, 'a', 64);
    const gone = new AbortController();
    const waiting = slots.start('a', gone.signal);
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await expect(slots.start('a', gone.signal)).rejects.toThrow('gone');
    await start(slots, 'a');
    slots.end('a');
    await until(() => countOf('a') === 65);
  });
});

describe('a single flight', () => {
  it('shares one fetch of a key, and fetches again once it has ended', async () => {
    const flights = new SingleFlight<number>();
    let fetches = 0;
    const fetch = async () => (fetches += 1);
    const all = ['a', 'a', 'b'].map((key) => flights.run(key, fetch));
    expect(await Promise.all(all)).toEqual([1, 1, 2]);
    expect(await flights.run('a', fetch)).toBe(3);
  });

  it('shares a failure too, and does not keep it', async () => {
    const flights = new SingleFlight<number>();
    const fail = () => Promise.reject(new Error('down'));
    const all = [flights.run('a', fail), flights.run('a', fail)];
    for (const each of all) await expect(each).rejects.toThrow('down');
    expect(await flights.run('a', async () => 1)).toBe(1);
  });
});

describe('500 pending tokens of one tenant', () => {
  const pica = useEmulator({ integrations: 20 });
  const PATIENT = { timeout: 60_000, attemptTimeout: 60_000 };
  const of = (tenant: string) => ({ identity: `user of ${tenant}`, tenant });

  it('whose Pica hangs cost no other tenant anything, and its 501st is refused', async () => {
    const identity = ({ user }: { user: { id: string } }) => of(user.id);
    const { tokens, tokenUrl } = await startApp({
      pica,
      options: { ...PATIENT, identity },
    });
    pica.fault({ when: isOf('b'), hang: true });
    const hanging = pend(tokens, of('b'));
    await until(() => pica.requests.filter(isOf('b')).length === 64);
    const refused = await requestToken(tokenUrl, {
      headers: { authorization: 'Bearer b' },
    });
    expect([refused.status, refused.body.reason]).toEqual([
      503,
      'rate_limited',
    ]);
    expect(refused.headers.get('retry-after')).toBe('1');
    for (const tenant of ['a', 'c', 'd']) {
      expect((await tokens.create(of(tenant))).rows).toEqual(pica.rows);
    }
    expect(pica.requests.filter(isOf('b'))).toHaveLength(64);
    await hanging.abort();
    pica.clearFaults();
    expect(await reasonOf(tokens.create(of('b')))).toBe('none');
  }, 30_000);

  it('for whom the secretKey function hangs cost no other tenant anything, and its 501st is refused', async () => {
    const tokens = await createTokenService(pica, {
      ...PATIENT,
      secretKey: (identity) =>
        identity?.tenant === 'b' ? new Promise(() => {}) : pica.secretKey,
    });
    const hanging = pend(tokens, of('b'));
    expect(await reasonOf(tokens.create(of('b')))).toBe('rate_limited');
    expect((await tokens.create(of('a'))).rows).toEqual(pica.rows);
    await hanging.abort();
    // Its places are free again.
    const signal = AbortSignal.timeout(50);
    expect(await reasonOf(tokens.create(of('b'), { signal }))).toBe(
      'cancelled',
    );
  }, 30_000);

  /** Starts 500 tokens that hang. They end with the test, or when they are aborted. */
  function pend(
    tokens: Awaited<ReturnType<typeof createTokenService>>,
    identity: AuthKitIdentity,
  ) {
    const callers = Array.from({ length: 500 }, () => new AbortController());
    const outcomes = callers.map(({ signal }) =>
      reasonOf(tokens.create(identity, { signal })),
    );
    const abort = async () => {
      for (const caller of callers) caller.abort();
      expect(new Set(await Promise.all(outcomes))).toEqual(
        new Set(['cancelled']),
      );
    };
    afterTest(() => callers.forEach((caller) => caller.abort()));
    return { abort };
  }

  /** Matches the pages of a tenant. */
  function isOf(tenant: string) {
    return ({ body }: { body: unknown }) =>
      (body as AuthKitIdentity | undefined)?.identity === `user of ${tenant}`;
  }
});
