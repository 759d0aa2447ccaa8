import type { GenericAbortSignal } from 'axios';
import { from, Observable } from 'rxjs';
import { AuthKitException } from '../authkit.exception.js';

/**
 * A cold Observable of one attempt. It fails with `timed_out` after `timeout`
 * ms. Whatever ends it aborts the signal: a result, an error, unsubscribing.
 *
 * (`HttpService` returns such an Observable too, but builds an error with its
 * stack to cancel every call, finished ones included.)
 *
 * @param start makes the call and aborts it on the signal
 */
export function withAttemptTimeout<T>(
  start: (signal: GenericAbortSignal) => Promise<T>,
  timeout: number,
): Observable<T> {
  return new Observable((subscriber) => {
    const signal = new MinimalAbortSignal();
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
 * The part of an `AbortSignal` that axios uses. Node's own is an
 * `EventTarget`, which costs several times as much CPU.
 */
class MinimalAbortSignal implements GenericAbortSignal {
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
