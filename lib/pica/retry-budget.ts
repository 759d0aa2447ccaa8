/** How many retries a quiet service may spend at once. */
const CAPACITY = 20;
/** What a success earns: in the long run at most one retry for every ten calls that work. */
const REFILL = 0.1;

/**
 * The retries that all calls of one registration share: a token bucket that
 * successes refill. While Pica is down nothing does, and it soon gets the
 * traffic of the users alone rather than three times of it.
 */
export class RetryBudget {
  private left = CAPACITY;

  /** Takes one retry out of the budget; `false` where it is spent. */
  spend(): boolean {
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }

  /** A call has worked. */
  refill(): void {
    this.left = Math.min(CAPACITY, this.left + REFILL);
  }
}
