import {
  catchError,
  from,
  of,
  shareReplay,
  switchMap,
  tap,
  timeout,
  type Observable,
} from 'rxjs';
import type { ModuleOptions } from '../options/module.options.js';
import type { RequestContext } from '../pica/request-context.js';
import { InvalidResponseError, isRecord } from '../pica/responses.js';
import { accountKeys } from './cache-key.js';
import type { ResilientStore } from './resilient-store.js';

/** How long an expired value waits for a fresh one before it serves, in ms. */
const GRACE_MS = 500;

/** The part of the remaining deadline that an expired value waits at most. */
const GRACE_PART = 1 / 4;

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
 * is not cached. While Pica fails, or takes longer than 500 ms or a quarter of
 * the remaining deadline, an expired value serves.
 *
 * @param fetch does not end with the request that starts it, and bounds its own time
 * @param validate returns a stored value, or throws where it is invalid
 */
export function withAccountCache<T>(
  kind: 'flags' | 'connectors',
  fetch: FetchForAccount<T>,
  validate: (value: unknown) => T,
  options: Pick<ModuleOptions, 'vendor' | 'baseUrl' | 'cache'>,
  store: ResilientStore,
): FetchForAccount<T> {
  const { vendor, baseUrl, cache } = options;
  const keyOf = accountKeys(kind, vendor, baseUrl);
  const running = new Map<string, Observable<T>>();

  const fetchShared = (key: string, context: RequestContext) => {
    const known = running.get(key);
    if (known) return known;
    const started = fetch(context).pipe(
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

  /** Emits a fresh value, or the expired one where a fresh one takes too long. */
  const refresh = (
    key: string,
    context: RequestContext,
    { value }: Entry<T>,
  ): Observable<T> => {
    const fetched$ = fetchShared(key, context);
    // It goes on after this request, so that a slow response serves later ones.
    fetched$.subscribe({ error: () => {} });
    const grace = Math.min(GRACE_MS, context.deadline.remaining() * GRACE_PART);
    return fetched$.pipe(
      timeout({ first: grace }),
      catchError(() => of(value)),
    );
  };

  const parse = (stored: unknown): Entry<T> => {
    if (!isRecord(stored) || typeof stored.expiresAt !== 'number') {
      throw new InvalidResponseError('no entry of the cache');
    }
    return { value: validate(stored.value), expiresAt: stored.expiresAt };
  };

  return (context) => {
    const key = keyOf(context.account);
    return from(store.read(key, parse)).pipe(
      switchMap((cached) => {
        if (!cached) return fetchShared(key, context);
        return isCurrent(cached, cache.ttl)
          ? of(cached.value)
          : refresh(key, context, cached);
      }),
    );
  };
}

/** An entry that expires later than now plus `ttl` comes from a clock that is wrong. */
function isCurrent({ expiresAt }: Entry<unknown>, ttl: number): boolean {
  const remaining = expiresAt - Date.now();
  return remaining > 0 && remaining <= ttl;
}
