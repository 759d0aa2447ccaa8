/** The moment by which a request completes or fails. All of its calls share it. */
export class Deadline {
  private readonly end: number;

  /**
   * @param timeout ms
   * @param startedAt when it began, on the clock of `performance.now()`
   */
  constructor(timeout: number, startedAt: number = performance.now()) {
    this.end = startedAt + timeout;
  }

  /** The remaining time in ms, never negative. */
  remaining(): number {
    return Math.max(0, this.end - performance.now());
  }
}
