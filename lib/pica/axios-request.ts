import type { HttpService } from '@nestjs/axios';
import type { GenericAbortSignal } from 'axios';
import { defer, finalize, from, type Observable } from 'rxjs';
import type { PicaResponse } from './failures.js';

/**
 * A cold Observable of one call, which unsubscribing from aborts. `HttpService`
 * has the like, but builds an error with its stack to cancel every call, those
 * that are over included: a good part of what a call costs.
 */
export function axiosRequest(
  { axiosRef }: HttpService,
  config: Parameters<HttpService['request']>[0],
): Observable<PicaResponse> {
  return defer(() => {
    const signal = new CallSignal();
    return from(axiosRef.request<Buffer>({ ...config, signal })).pipe(
      finalize(() => signal.abort()),
    );
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
