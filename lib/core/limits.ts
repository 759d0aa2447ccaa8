import { AuthKitException } from '../authkit.exception.js';

/** The maximum number of pending requests of one registration. */
const MAX_PENDING = 1_000;
/** The maximum number of pending requests of one tenant, and of one account. */
const MAX_PENDING_PER_TENANT = 500;

/** The maximum number of calls in flight, of all accounts. */
const MAX_CALLS = 256;
/** The maximum number of calls in flight of one account. */
const MAX_CALLS_PER_ACCOUNT = 64;
/** The number of calls that only accounts without a call in flight may start. */
const RESERVED_CALLS = 32;

/** Limits the pending requests, so that a Pica that hangs does not fill the memory, and no tenant keeps the others out. */
export class Admission {
  private pending = 0;
  /** By tenant or account, which may hold a key: truly private, so that nothing that inspects this object shows it. */
  readonly #pendingOf = new Map<string, number>();
  private onIdle?: () => void;

  /**
   * Admits a request.
   *
   * @throws {AuthKitException} `rate_limited`
   */
  enter(): Admitted {
    if (this.pending >= MAX_PENDING) throw tooMany(MAX_PENDING);
    this.pending += 1;
    const names: string[] = [];
    return {
      countFor: (name) => {
        const pending = this.#pendingOf.get(name) ?? 0;
        const max = MAX_PENDING_PER_TENANT;
        if (pending >= max) throw tooMany(max);
        this.#pendingOf.set(name, pending + 1);
        names.push(name);
      },
      leave: () => {
        for (const name of names) {
          const left = this.#pendingOf.get(name)! - 1;
          if (left === 0) this.#pendingOf.delete(name);
          else this.#pendingOf.set(name, left);
        }
        this.pending -= 1;
        if (this.pending === 0) this.onIdle?.();
      },
    };
  }

  /** Resolves once no request is pending. */
  async idle(): Promise<void> {
    if (this.pending === 0) return;
    await new Promise<void>((resolve) => (this.onIdle = resolve));
  }
}

/** A request that was admitted. */
export interface Admitted {
  /**
   * Counts the request for a tenant or an account too.
   *
   * @throws {AuthKitException} `rate_limited`
   */
  countFor(name: string): void;
  leave(): void;
}

function tooMany(max: number): AuthKitException {
  return new AuthKitException('rate_limited', {
    retryAfter: 1,
    cause: new Error(`${max} requests are pending already`),
  });
}

/** The calls of one account. */
interface AccountCalls {
  inFlight: number;
  /** Start those that wait, in the order in which they came. */
  readonly waiting: Set<() => void>;
}

/**
 * Limits the calls in flight. Accounts take turns, so that one whose calls hang
 * does not delay the others.
 */
export class CallSlots {
  private inFlight = 0;
  private waiting = 0;
  private isStartScheduled = false;
  /** The account whose turn it is comes first. Truly private, as above. */
  readonly #accounts = new Map<string, AccountCalls>();

  /**
   * Waits until a call of an account may start.
   *
   * @param signal ends the waiting. Its reason is what this rejects with.
   */
  async start(account: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    let calls = this.#accounts.get(account);
    if (!calls) {
      calls = { inFlight: 0, waiting: new Set() };
      this.#accounts.set(account, calls);
    }
    if (calls.waiting.size > 0 || !this.hasRoom(calls)) {
      await this.waitForTurn(account, calls, signal);
    } else {
      calls.inFlight += 1;
      this.inFlight += 1;
    }
  }

  /** Ends a call that was started. */
  end(account: string): void {
    const calls = this.#accounts.get(account)!;
    calls.inFlight -= 1;
    this.inFlight -= 1;
    if (calls.inFlight === 0 && calls.waiting.size === 0) {
      this.#accounts.delete(account);
    }
    if (this.waiting > 0) this.scheduleStart();
  }

  private waitForTurn(
    account: string,
    calls: AccountCalls,
    signal: AbortSignal,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        calls.waiting.delete(start);
        this.waiting -= 1;
        if (calls.inFlight === 0 && calls.waiting.size === 0) {
          this.#accounts.delete(account);
        }
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave);
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
    if (this.isStartScheduled) return;
    this.isStartScheduled = true;
    setImmediate(() => {
      this.isStartScheduled = false;
      while (this.startNext());
    });
  }

  /** Starts the call of the account whose turn it is. Returns `false` if there is no room. */
  private startNext(): boolean {
    for (const [account, calls] of this.#accounts) {
      const [start] = calls.waiting;
      if (!start || !this.hasRoom(calls)) continue;
      calls.waiting.delete(start);
      this.waiting -= 1;
      calls.inFlight += 1;
      this.inFlight += 1;
      // Its next turn comes after the others'.
      this.#accounts.delete(account);
      this.#accounts.set(account, calls);
      start();
      return true;
    }
    return false;
  }
}

/** Shares one fetch among the requests that need the same value at the same time. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  /** Joins the running fetch of a key, or starts one. */
  run(key: string, fetch: () => Promise<T>): Promise<T> {
    const running = this.#flights.get(key);
    if (running) return running;
    const started = fetch().finally(() => this.#flights.delete(key));
    this.#flights.set(key, started);
    return started;
  }
}
