import { Observable } from 'rxjs';
import { AuthKitException } from '../authkit.exception.js';

/** Cancels pending requests: one on its caller's signal or timeout, all of them when the app shuts down. */
export class Cancellation {
  private readonly pending = new Set<() => void>();
  private isShutDown = false;

  /** Never emits. Fails with `cancelled` or `timed_out` as soon as there is a reason to. */
  of(signal: AbortSignal | undefined, timeout: number): Observable<never> {
    return new Observable((subscriber) => {
      const cancel = () => subscriber.error(new AuthKitException('cancelled'));
      if (this.isShutDown || signal?.aborted) return cancel();

      const timer = setTimeout(
        () => subscriber.error(new AuthKitException('timed_out')),
        timeout,
      );
      this.pending.add(cancel);
      signal?.addEventListener('abort', cancel, { once: true });
      return () => {
        clearTimeout(timer);
        this.pending.delete(cancel);
        signal?.removeEventListener('abort', cancel);
      };
    });
  }

  /** Cancels every pending request, and every later one. */
  cancelAll(): void {
    this.isShutDown = true;
    for (const cancel of this.pending) cancel();
  }
}
