import { retry, throwError, timer, type MonoTypeOperatorFunction } from 'rxjs';
import type { AuthKitException } from './authkit.exception.js';
import type { Deadline } from './deadline.js';
import { isPassing } from './failures.js';
import type { RetryBudget } from './retry-budget.js';

/** The first wait is at most this long (ms), each further one twice as long … */
const BACKOFF_BASE = 200;
/** … up to this. */
const BACKOFF_CAP = 2_000;
/** What an attempt needs at least (ms): one that the deadline would cut off is not started. */
const SHORTEST_ATTEMPT = 20;

/** How a call may be repeated. */
export interface RetryPolicy {
  /** Further attempts. */
  readonly retries: number;
  /** What the calls of all tokens may spend together. */
  readonly budget: RetryBudget;
  /** Told of each failed attempt, counted from 1. */
  readonly onFailure: (failure: AuthKitException, attempt: number) => void;
}

/**
 * Gives a call its attempts: `retries` more after the first where the failure
 * can pass, none that the deadline would cut off or that the budget does not
 * allow. Waits are exponential with full jitter, so that many clients do not
 * come back at the same moment, or what `Retry-After` says.
 */
export function withRetries<T>(
  { retries, budget, onFailure }: RetryPolicy,
  deadline: Deadline,
): MonoTypeOperatorFunction<T> {
  return (attempt) =>
    attempt.pipe(
      retry({
        delay: (failure: AuthKitException, count) => {
          onFailure(failure, count);
          const giveUp = (last: AuthKitException) =>
            throwError(() => last.with({ attempts: count }));

          if (!isPassing(failure)) return giveUp(failure);
          const wait = waitAfter(failure, count);
          if (wait > deadline.remaining() - SHORTEST_ATTEMPT) {
            return giveUp(
              failure.retryAfter === undefined
                ? failure
                : failure.with({ reason: 'rate_limited' }),
            );
          }
          return count <= retries && budget.spend()
            ? timer(wait)
            : giveUp(failure);
        },
      }),
    );
}

function waitAfter({ retryAfter }: AuthKitException, count: number): number {
  if (retryAfter !== undefined) return retryAfter * 1000;
  return Math.random() * Math.min(BACKOFF_CAP, BACKOFF_BASE * 2 ** (count - 1));
}
