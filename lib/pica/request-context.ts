/** What all calls to Pica share that one request of the app causes. */
export interface RequestContext {
  readonly secretKey: string;
  readonly deadline: Deadline;
  /** How much the calls have received so far. */
  readonly received: { bytes: number };
}

/** The moment by which a request completes or fails. All of its calls share it. */
export class Deadline {
  private end: number;

  /** @param timeout ms from now */
  constructor(timeout: number) {
    this.end = performance.now() + timeout;
  }

  /** The remaining time in ms, never negative. */
  remaining(): number {
    return Math.max(0, this.end - performance.now());
  }

  /** Postpones it to another deadline if that is later, for a call that several requests wait for. */
  extendTo(other: Deadline): void {
    this.end = Math.max(this.end, other.end);
  }
}
