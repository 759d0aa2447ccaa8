import { retry, throwError, timer, type MonoTypeOperatorFunction } from 'rxjs';
import type { AuthKitException } from '../authkit.exception.js';
import type { Deadline } from './request-context.js';
import type { RetryBudget } from './retry-budget.js';
import { isRetryable } from './upstream-error.js';

/** The maximum of the first delay in ms. Each further maximum is twice as long. */
const BACKOFF_BASE_MS = 200;
/** The maximum of every delay in ms. */
const BACKOFF_CAP_MS = 2_000;
/** The maximum of the first delay after a connection error in ms. */
const QUICK_RETRY_MS = 50;
/** The minimum time for an attempt in ms. One that the deadline would cut off is not started. */
const MIN_ATTEMPT_MS = 20;

/** How a failed call is retried. */
export interface RetryPolicy {
  /** The number of times to retry a failed call. */
  readonly retries: number;
  /** The budget that all calls of a registration share. */
  readonly budget: RetryBudget;
  /** Called after each failed attempt. Attempts are counted from 1. */
  readonly onFailedAttempt: (
    failure: AuthKitException,
    attempt: number,
  ) => void;
}

/**
 * Retries a call up to `retries` times. It retries only failures that may pass,
 * within the deadline and the budget. Delays are exponential with full jitter,
 * so that many clients do not come back at the same moment, or as long as
 * `Retry-After` says.
 */
export function withRetries<T>(
  { retries, budget, onFailedAttempt }: RetryPolicy,
  deadline: Deadline,
): MonoTypeOperatorFunction<T> {
  return (attempt) =>
    attempt.pipe(
      retry({
        delay: (failure: AuthKitException, count) => {
          onFailedAttempt(failure, count);
          const giveUp = (last: AuthKitException) =>
            throwError(() => last.with({ attempts: count }));

          if (!isRetryable(failure)) return giveUp(failure);
          const wait = backoffDelay(failure, count);
          if (wait > deadline.remaining() - MIN_ATTEMPT_MS) {
            return giveUp(
              failure.retryAfter === undefined
                ? failure
                : failure.with({ reason: 'rate_limited' }),
            );
          }
          return count <= retries && budget.tryConsume()
            ? timer(wait)
            : giveUp(failure);
        },
      }),
    );
}

/** The delay before the next attempt in ms. */
function backoffDelay(
  { retryAfter, upstreamCode }: AuthKitException,
  count: number,
): number {
  if (retryAfter !== undefined) return retryAfter * 1000;
  // A connection that failed is likely to work at once.
  if (upstreamCode !== undefined && count === 1) {
    return Math.random() * QUICK_RETRY_MS;
  }
  return (
    Math.random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** (count - 1))
  );
}
