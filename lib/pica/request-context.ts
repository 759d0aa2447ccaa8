import type { ReceivedBytes } from './received-bytes.js';

/** What all calls to Pica share that one request of the app causes. */
export interface RequestContext {
  readonly secretKey: string;
  /** The headers that select the vendor's own tenant. */
  readonly scopeHeaders?: Readonly<Record<string, string>>;
  /** Identifies the account in caches and limits. It may hold the secret key: nothing shows it. */
  readonly account: string;
  readonly deadline: Deadline;
  /** What the calls have received so far. */
  readonly received: ReceivedBytes;
}

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
