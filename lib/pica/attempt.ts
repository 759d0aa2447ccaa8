import type { GenericAbortSignal } from 'axios';
import { from, Observable } from 'rxjs';
import { AuthKitException } from './authkit.exception.js';

/**
 * A cold Observable of one attempt, which fails with `timed_out` after
 * `timeout` ms. Its end aborts the signal, whatever it was; unsubscribing too.
 *
 * (What `HttpService` gives would serve as well, but for its price: it builds an
 * error with its stack to cancel every call, those that are over included.)
 *
 * @param start makes the call, and aborts it by the signal
 */
export function attempt<T>(
  start: (signal: GenericAbortSignal) => Promise<T>,
  timeout: number,
): Observable<T> {
  return new Observable((subscriber) => {
    const signal = new CallSignal();
    const timer = setTimeout(
      () => subscriber.error(new AuthKitException('timed_out')),
      timeout,
    );
    subscriber.add(() => {
      clearTimeout(timer);
      signal.abort();
    });
    from(start(signal)).subscribe(subscriber);
  });
}

/**
 * What axios needs of an `AbortSignal`: it listens while a call runs, and no
 * longer. Node's own is an `EventTarget`, which costs several times as much.
 */
class CallSignal implements GenericAbortSignal {
  aborted = false;
  private readonly listeners = new Set<() => void>();

  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }

  abort(): void {
    this.aborted = true;
    for (const listener of this.listeners) listener();
  }
}
