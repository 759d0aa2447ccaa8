import { Observable } from 'rxjs';
import { AuthKitException } from '../pica/authkit.exception.js';

/** Ends tokens before they stand: each by its caller's signal and its time, all of them where the app shuts down. */
export class Cancellation {
  private readonly running = new Set<() => void>();
  private isOver = false;

  /** Never emits; fails with `cancelled` or `timed_out`, as soon as there is a reason for it. */
  of(signal: AbortSignal | undefined, timeout: number): Observable<never> {
    return new Observable((subscriber) => {
      const cancel = () => subscriber.error(new AuthKitException('cancelled'));
      if (this.isOver || signal?.aborted) return cancel();

      const timer = setTimeout(
        () => subscriber.error(new AuthKitException('timed_out')),
        timeout,
      );
      this.running.add(cancel);
      signal?.addEventListener('abort', cancel, { once: true });
      return () => {
        clearTimeout(timer);
        this.running.delete(cancel);
        signal?.removeEventListener('abort', cancel);
      };
    });
  }

  /** Cancels every token that runs, or is asked for from now on. */
  shutDown(): void {
    this.isOver = true;
    for (const cancel of this.running) cancel();
  }
}
