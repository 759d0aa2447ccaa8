import { Observable } from 'rxjs';
import { AuthKitException } from '../authkit.exception.js';

/** Ends pending requests: one on its caller's signal or timeout, all of them when the app shuts down. */
export class Cancellation {
  private readonly pending = new Set<() => void>();
  private isShutDown = false;

  /** Never emits. Fails with `cancelled`, `timed_out` or, when the app shuts down, `unavailable`. */
  of(signal: AbortSignal | undefined, timeout: number): Observable<never> {
    return new Observable((subscriber) => {
      const cancel = () => subscriber.error(new AuthKitException('cancelled'));
      const shutDown = () => subscriber.error(shuttingDown());
      if (this.isShutDown) return shutDown();
      if (signal?.aborted) return cancel();

      const timer = setTimeout(
        () => subscriber.error(new AuthKitException('timed_out')),
        timeout,
      );
      this.pending.add(shutDown);
      signal?.addEventListener('abort', cancel, { once: true });
      return () => {
        clearTimeout(timer);
        this.pending.delete(shutDown);
        signal?.removeEventListener('abort', cancel);
      };
    });
  }

  /** Ends every pending request, and every later one. */
  shutDown(): void {
    this.isShutDown = true;
    for (const shutDown of this.pending) shutDown();
  }
}

/** The error of a request that the app does not serve any more. */
export function shuttingDown(): AuthKitException {
  return new AuthKitException('unavailable', {
    cause: new Error('the app is shutting down'),
  });
}
