import { Observable } from 'rxjs';

/** The maximum number of calls in flight, of all accounts. */
const MAX_CALLS = 256;
/** The maximum number of calls in flight of one account. */
const MAX_CALLS_PER_ACCOUNT = 64;
/** The number of calls that only accounts without a call in flight may start. */
const RESERVED_CALLS = 32;

/** The calls of one account. */
interface AccountCalls {
  inFlight: number;
  /** In the order in which they came. */
  readonly waiting: Set<() => void>;
}

/**
 * Limits the calls in flight. Accounts take turns, so that one whose calls hang
 * does not delay the others.
 */
export class CallQueue {
  private inFlight = 0;
  private waiting = 0;
  private isStartScheduled = false;
  /** The account whose turn it is comes first. Truly private: nothing that inspects this object shows the keys. */
  readonly #accounts = new Map<string, AccountCalls>();

  /** Subscribes to a call once there is room for it. Unsubscribing leaves the queue. */
  run<T>(account: string, call$: Observable<T>): Observable<T> {
    return new Observable((subscriber) => {
      const calls = this.#accounts.get(account) ?? {
        inFlight: 0,
        waiting: new Set<() => void>(),
      };
      this.#accounts.set(account, calls);
      let isStarted = false;
      const start = () => {
        isStarted = true;
        calls.inFlight += 1;
        this.inFlight += 1;
        subscriber.add(call$.subscribe(subscriber));
      };
      subscriber.add(() => {
        if (isStarted) {
          calls.inFlight -= 1;
          this.inFlight -= 1;
        }
        if (calls.waiting.delete(start)) this.waiting -= 1;
        if (calls.inFlight === 0 && calls.waiting.size === 0) {
          this.#accounts.delete(account);
        }
        this.scheduleStart();
      });
      if (calls.waiting.size === 0 && this.hasRoom(calls)) return start();
      calls.waiting.add(start);
      this.waiting += 1;
    });
  }

  private hasRoom({ inFlight }: AccountCalls): boolean {
    const reserved = inFlight === 0 ? 0 : RESERVED_CALLS;
    return (
      inFlight < MAX_CALLS_PER_ACCOUNT && this.inFlight < MAX_CALLS - reserved
    );
  }

  /**
   * Starts waiting calls in the next turn of the event loop. When many requests
   * end at the same moment, those that still wait end too, and start no call.
   */
  private scheduleStart(): void {
    if (this.isStartScheduled || this.waiting === 0) return;
    this.isStartScheduled = true;
    setImmediate(() => {
      this.isStartScheduled = false;
      this.startWaiting();
    });
  }

  /** Starts waiting calls while there is room, one of each account in turn. */
  private startWaiting(): void {
    for (let isStarted = true; isStarted;) {
      isStarted = false;
      for (const [account, calls] of this.#accounts) {
        const [start] = calls.waiting;
        if (!start || !this.hasRoom(calls)) continue;
        calls.waiting.delete(start);
        this.waiting -= 1;
        // Its next turn comes after the others'.
        this.#accounts.delete(account);
        this.#accounts.set(account, calls);
        start();
        isStarted = true;
        break;
      }
    }
  }
}
