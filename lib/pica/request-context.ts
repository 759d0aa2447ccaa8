import type { Observable } from 'rxjs';
import type { ReceivedBytes } from './received-bytes.js';

/** What a response says about itself. */
export interface AttemptRecord {
  status?: number;
  correlationId?: string;
}

/** Observes the attempts of one call: one for each subscription to the Observable that it returns. */
export type AttemptObserver = <T>(
  start: (record: AttemptRecord) => Observable<T>,
) => Observable<T>;

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
  /** Returns the observer of one call, e.g. `POST /v1/authkit`. */
  readonly observeCall: (operation: string) => AttemptObserver;
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
