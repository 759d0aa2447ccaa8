/** The moment by which a whole token must stand, shared by all of its calls. */
export class Deadline {
  private end: number;

  /** @param timeout ms from now */
  constructor(timeout: number) {
    this.end = performance.now() + timeout;
  }

  /** ms left, never negative. */
  remaining(): number {
    return Math.max(0, this.end - performance.now());
  }

  /** Moves it to another one, where that is later: for a call that several tokens wait for. */
  extendTo(other: Deadline): void {
    this.end = Math.max(this.end, other.end);
  }
}
