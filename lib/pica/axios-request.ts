import type { HttpService } from '@nestjs/axios';
import { Observable } from 'rxjs';
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
  return new Observable((subscriber) => {
    const call = new AbortController();
    let isOver = false;
    axiosRef
      .request<Buffer>({ ...config, signal: call.signal })
      .finally(() => (isOver = true))
      .then(
        (response) => subscriber.next(response),
        (error: unknown) => subscriber.error(error),
      )
      .finally(() => subscriber.complete());
    return () => {
      if (!isOver) call.abort();
    };
  });
}
