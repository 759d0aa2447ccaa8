import { AuthKitException } from '../../lib/index.js';
import { Deadline } from '../../lib/pica/deadline.js';
import { RetryBudget, retryDelay } from '../../lib/pica/retry.js';
import { mockBackoff } from '../support/mocks.js';

const takeAll = (budget: RetryBudget) => {
  let taken = 0;
  while (budget.tryConsume()) taken += 1;
  return taken;
};

describe('a retry budget', () => {
  it('has 20 retries', () => {
    expect(takeAll(new RetryBudget())).toBe(20);
  });

  it('gets one retry for ten successful calls, and not for five', () => {
    const budget = new RetryBudget();
    takeAll(budget);
    const succeed = (times: number) => {
      for (let count = 0; count < times; count += 1) budget.refill();
    };
    succeed(5);
    expect(takeAll(budget)).toBe(0);
    succeed(6);
    expect(takeAll(budget)).toBe(1);
    succeed(55);
    expect(takeAll(budget)).toBe(5);
  });

  it('never has more than 20', () => {
    const budget = new RetryBudget();
    for (let count = 0; count < 1_000; count += 1) budget.refill();
    expect(takeAll(budget)).toBe(20);
  });
});

describe('the delay before a retry', () => {
  const delay = (
    failure: AuthKitException,
    { attempt = 1, timeout = 10_000, budget = new RetryBudget() } = {},
  ) =>
    retryDelay(failure, attempt, {
      retries: 3,
      budget,
      deadline: new Deadline(timeout),
    });
  const DOWN = new AuthKitException('unavailable', { upstreamStatus: 503 });
  const RESET = new AuthKitException('unavailable', {
    upstreamCode: 'ECONNRESET',
  });
  const LIMITED = new AuthKitException('rate_limited', {
    upstreamStatus: 429,
    retryAfter: 2,
  });

  it.each([
    [1, 200],
    [2, 400],
    [3, 800],
  ])('of attempt %d is random, up to %d ms', (attempt, max) => {
    mockBackoff(1);
    expect(delay(DOWN, { attempt })).toBe(max);
    mockBackoff(0);
    expect(delay(DOWN, { attempt })).toBe(0);
  });

  it('is up to 50 ms after the first connection error, and as usual after the next', () => {
    mockBackoff(1);
    expect(delay(RESET)).toBe(50);
    expect(delay(RESET, { attempt: 2 })).toBe(400);
  });

  it('is what Retry-After says, within the deadline', () => {
    expect(delay(LIMITED)).toBe(2_000);
  });

  it.each<[string, AuthKitException, object, string]>([
    ['after the last retry', DOWN, { attempt: 4 }, 'unavailable'],
    ['beyond the deadline', DOWN, { timeout: 10 }, 'unavailable'],
    [
      'where Retry-After is beyond the deadline',
      DOWN.with({ retryAfter: 20 }),
      {},
      'rate_limited',
    ],
    [
      'for a failure that does not pass',
      new AuthKitException('rejected', { upstreamStatus: 400 }),
      {},
      'rejected',
    ],
  ])('is none %s', (_when, failure, settings, reason) => {
    mockBackoff(1);
    expect(delay(failure, settings)).toMatchObject({ reason });
  });

  it('is none without a retry in the budget, and a failure that is not retried takes none', () => {
    const budget = new RetryBudget();
    delay(DOWN, { budget, attempt: 4 });
    delay(LIMITED, { budget, timeout: 1_000 });
    expect(takeAll(budget)).toBe(20);
    expect(delay(DOWN, { budget })).toBe(DOWN);
  });
});
