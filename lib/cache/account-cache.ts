import {
  catchError,
  defer,
  from,
  of,
  shareReplay,
  switchMap,
  tap,
  timeout,
  type Observable,
} from 'rxjs';
import type { ModuleOptions } from '../options/module.options.js';
import { Deadline, type RequestContext } from '../pica/request-context.js';
import { InvalidResponseError, isRecord } from '../pica/responses.js';
import { cacheKey } from './cache-key.js';
import type { ResilientStore } from './resilient-store.js';

/** How long an expired value waits for a fresh one before it serves, in ms. */
const GRACE_MS = 1_000;

/** For how many times the `ttl` an expired value may serve while Pica does not respond. */
const STALE_FACTOR = 12;

/** What the store has. */
interface Entry<T> {
  readonly value: T;
  /** ms since 1970, on a clock that instances share. */
  readonly expiresAt: number;
}

/** Fetches a value that belongs to the account, and to no identity. */
export type FetchForAccount<T> = (context: RequestContext) => Observable<T>;

/**
 * Caches a value for each account. Concurrent requests share one call. A failure
 * is not cached; while Pica does not respond, an expired value serves.
 *
 * @param validate returns a stored value, or throws where it is invalid
 */
export function withAccountCache<T>(
  kind: 'flags' | 'connectors',
  fetch: FetchForAccount<T>,
  validate: (value: unknown) => T,
  options: Pick<ModuleOptions, 'vendor' | 'baseUrl' | 'timeout' | 'cache'>,
  store: ResilientStore,
): FetchForAccount<T> {
  const { vendor, baseUrl, cache } = options;
  const running = new Map<string, Observable<T>>();

  const fetchShared = (key: string, context: RequestContext) => {
    const known = running.get(key);
    if (known) return known;
    const started = defer(() =>
      // A deadline of its own: the call does not end with the first request that waits for it.
      fetch({ ...context, deadline: new Deadline(options.timeout) }),
    ).pipe(
      tap({
        next: (value) => {
          const entry: Entry<T> = { value, expiresAt: Date.now() + cache.ttl };
          void store.write(key, entry, cache.ttl * STALE_FACTOR);
        },
        finalize: () => running.delete(key),
      }),
      shareReplay({ bufferSize: 1, refCount: true }),
    );
    running.set(key, started);
    return started;
  };

  const parse = (stored: unknown): Entry<T> => {
    if (!isRecord(stored) || typeof stored.expiresAt !== 'number') {
      throw new InvalidResponseError('no entry of the cache');
    }
    return { value: validate(stored.value), expiresAt: stored.expiresAt };
  };

  return (context) => {
    const key = cacheKey(kind, context.account, vendor, baseUrl);
    return from(store.read(key, parse)).pipe(
      switchMap((cached) => {
        if (cached && isCurrent(cached, cache.ttl)) return of(cached.value);
        const fetched$ = fetchShared(key, context);
        return cached
          ? fetched$.pipe(
              timeout(GRACE_MS),
              catchError(() => of(cached.value)),
            )
          : fetched$;
      }),
    );
  };
}

/** An entry that expires later than now plus `ttl` comes from a clock that is wrong. */
function isCurrent({ expiresAt }: Entry<unknown>, ttl: number): boolean {
  const remaining = expiresAt - Date.now();
  return remaining > 0 && remaining <= ttl;
}
