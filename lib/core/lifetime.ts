import { setMaxListeners } from 'node:events';
import { AuthKitException } from '../authkit.exception.js';
import type { Deadline } from '../pica/deadline.js';
import { ReceivedBytes, type MemoryBudget } from '../pica/received-bytes.js';

/** What a request has while it runs. It ends with the deadline, the caller's signal or the app. */
export class Lifetime {
  /** Aborts when the lifetime ends. Its reason is the failure. */
  readonly signal: AbortSignal;
  readonly received: ReceivedBytes;
  callsMade = 0;
  pendingCalls = 0;
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(
    readonly deadline: Deadline,
    memory: MemoryBudget,
    private readonly all: Set<Lifetime>,
    private readonly caller?: AbortSignal,
  ) {
    this.signal = this.controller.signal;
    this.received = new ReceivedBytes(memory);
    this.timer = setTimeout(
      () => this.end(new AuthKitException('timed_out')),
      deadline.remaining(),
    );
    all.add(this);
    // All calls of a request listen, and Node warns of more than ten listeners.
    setMaxListeners(0, this.signal);
    if (!caller) return;
    setMaxListeners(0, caller);
    caller.addEventListener('abort', this.cancel);
  }

  /** Settles as a promise does, or rejects when the lifetime ends. */
  race<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      promise.then(resolve, reject);
    });
  }

  /** Ends the lifetime with a failure. */
  end(failure: AuthKitException): void {
    this.controller.abort(failure);
  }

  readonly cancel = (): void => this.end(new AuthKitException('cancelled'));

  /** Gives everything back. Calls whose result nobody needs are aborted. */
  close(): void {
    clearTimeout(this.timer);
    this.all.delete(this);
    this.caller?.removeEventListener('abort', this.cancel);
    if (this.pendingCalls > 0) this.cancel();
    this.received.release();
  }
}

/** The lifetimes of a registration. They end when the app shuts down. */
export class Lifetimes {
  private readonly running = new Set<Lifetime>();
  private isShutDown = false;

  constructor(private readonly memory: MemoryBudget) {}

  /**
   * @param caller cancels the request
   * @throws {AuthKitException} `cancelled` or `unavailable` if it has ended before it begins
   */
  start(deadline: Deadline, caller?: AbortSignal): Lifetime {
    if (this.isShutDown) throw shuttingDown();
    if (caller?.aborted) throw new AuthKitException('cancelled');
    return new Lifetime(deadline, this.memory, this.running, caller);
  }

  /** Ends all lifetimes. None starts any more. */
  shutDown(): void {
    this.isShutDown = true;
    for (const lifetime of this.running) lifetime.end(shuttingDown());
  }
}

/** The error of a request that the app does not serve any more. */
export function shuttingDown(): AuthKitException {
  return new AuthKitException('unavailable', {
    cause: new Error('the app is shutting down'),
  });
}
