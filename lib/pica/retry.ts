import type { AuthKitException } from '../authkit.exception.js';
import type { Deadline } from './deadline.js';
import { isRetryable } from './upstream-error.js';

/** The maximum of the first delay in ms. Each further maximum is twice as long. */
const BACKOFF_BASE_MS = 200;
/** The maximum of every delay in ms. */
const BACKOFF_CAP_MS = 2_000;
/** The maximum of the first delay after a connection error in ms. */
const QUICK_RETRY_MS = 50;
/** The minimum time for an attempt in ms. One that the deadline would cut off is not started. */
const MIN_ATTEMPT_MS = 20;
/** The maximum number of retries in the budget. */
const BUDGET_CAPACITY = 20;
/** What a successful call adds to the budget: in the long run at most one retry for ten successful calls. */
const BUDGET_REFILL = 0.1;

/**
 * Limits the retries of all calls of one account: a token bucket that
 * successful calls refill. While Pica is down, nothing refills it, so Pica soon
 * gets the traffic of the users alone and not a multiple of it.
 */
export class RetryBudget {
  private left = BUDGET_CAPACITY;

  /** Takes one retry out of the budget. Returns `false` if none is left. */
  tryConsume(): boolean {
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }

  /** Adds to the budget after a successful call. */
  refill(): void {
    this.left = Math.min(BUDGET_CAPACITY, this.left + BUDGET_REFILL);
  }
}

/** What decides whether a failed attempt is made again. */
export interface RetryPolicy {
  /** The number of times to retry a call. */
  readonly retries: number;
  readonly budget: RetryBudget;
  readonly deadline: Deadline;
}

/**
 * Returns how long to wait before a failed call is made again, in ms. Only
 * failures that may pass are retried, within the deadline and the budget.
 * Delays are exponential with full jitter, so that many clients do not come
 * back at the same moment, or as long as `Retry-After` says.
 *
 * @param attempt the number of the attempt that failed, from 1
 * @returns the delay, or the failure to give up with
 */
export function retryDelay(
  failure: AuthKitException,
  attempt: number,
  { retries, budget, deadline }: RetryPolicy,
): number | AuthKitException {
  if (!isRetryable(failure)) return failure;
  const delay = backoffDelay(failure, attempt);
  if (delay > deadline.remaining() - MIN_ATTEMPT_MS) {
    return failure.retryAfter === undefined
      ? failure
      : failure.with({ reason: 'rate_limited' });
  }
  return attempt <= retries && budget.tryConsume() ? delay : failure;
}

function backoffDelay(
  { retryAfter, upstreamCode }: AuthKitException,
  attempt: number,
): number {
  if (retryAfter !== undefined) return retryAfter * 1_000;
  // A connection that failed is likely to work at once.
  if (upstreamCode !== undefined && attempt === 1) {
    return Math.random() * QUICK_RETRY_MS;
  }
  const max = BACKOFF_BASE_MS * 2 ** (attempt - 1);
  return Math.random() * Math.min(BACKOFF_CAP_MS, max);
}
