import { Observable, Subject } from 'rxjs';
import { AuthKitException } from '../pica/authkit.exception.js';

/** Never emits; fails with `cancelled` once the signal aborts. */
export function cancelledBy(
  signal: AbortSignal | undefined,
): Observable<never> {
  return new Observable((subscriber) => {
    if (!signal) return undefined;
    const cancel = () => subscriber.error(new AuthKitException('cancelled'));
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
    return () => signal.removeEventListener('abort', cancel);
  });
}

/** Cancels every token that runs, or is asked for, once it is thrown. */
export class Shutdown {
  private readonly subject = new Subject<never>();

  /** Never emits; fails with `cancelled` once the app shuts down. */
  readonly cancelled = this.subject.asObservable();

  now(): void {
    this.subject.error(new AuthKitException('cancelled'));
  }
}
