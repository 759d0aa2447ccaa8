/** The maximum number of retries in the budget. */
const CAPACITY = 20;
/** What a successful call adds: in the long run at most one retry for ten successful calls. */
const REFILL = 0.1;

/**
 * Limits the retries of all calls of one registration: a token bucket that
 * successful calls refill. While Pica is down, nothing refills it, so Pica soon
 * gets the traffic of the users alone and not a multiple of it.
 */
export class RetryBudget {
  private left = CAPACITY;

  /** Takes one retry out of the budget. Returns `false` where none is left. */
  tryConsume(): boolean {
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }

  /** Adds to the budget after a successful call. */
  refill(): void {
    this.left = Math.min(CAPACITY, this.left + REFILL);
  }
}
