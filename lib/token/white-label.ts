import {
  catchError,
  combineLatest,
  defer,
  from,
  map,
  of,
  shareReplay,
  startWith,
  switchMap,
  take,
  tap,
  timeout,
  timer,
  type Observable,
} from 'rxjs';
import type { AuthKitException } from '../authkit.exception.js';
import { cacheKey } from '../cache/cache-key.js';
import type { ResilientStore } from '../cache/resilient-store.js';
import type { ModuleOptions } from '../options/module.options.js';
import type { PicaClient } from '../pica/pica.client.js';
import { Deadline, type RequestContext } from '../pica/request-context.js';
import { InvalidResponseError, isRecord } from '../pica/responses.js';

/** How long a token whose pages are all there waits for the flags, in ms. */
const GRACE_MS = 1_000;

/** For how many times the `ttl` an expired value may serve while Pica does not respond. */
const STALE_FACTOR = 12;

/** Fetches whether the account may hide Pica's branding in the widget. */
export type FetchWhiteLabel = (context: RequestContext) => Observable<boolean>;

/** Fetches it from the account's flags. */
export const fetchWhiteLabel =
  (pica: PicaClient, path: string): FetchWhiteLabel =>
  (context) =>
    pica.request({ method: 'GET', path, parse: parseFlags }, context);

/** @throws {InvalidResponseError | SyntaxError} where the body is not the flags of an account */
function parseFlags(body: Buffer): boolean {
  const flags: unknown = JSON.parse(body.toString());
  const isWhiteLabel = isRecord(flags) && (flags.authkitWhitelist ?? false);
  if (!isRecord(flags) || typeof isWhiteLabel !== 'boolean') {
    throw new InvalidResponseError('not the flags of an account');
  }
  return isWhiteLabel;
}

/** What the store has. */
interface CachedFlags {
  readonly isWhiteLabel: boolean;
  /** ms since 1970, on a clock that instances share. */
  readonly expiresAt: number;
}

/**
 * Caches the flag for each account. Concurrent tokens share one call. A failure
 * is not cached; while Pica does not respond, an expired value serves.
 */
export function withFlagsCache(
  fetch: FetchWhiteLabel,
  options: Pick<ModuleOptions, 'vendor' | 'baseUrl' | 'timeout' | 'cache'>,
  store: ResilientStore,
): FetchWhiteLabel {
  const { vendor, baseUrl, cache } = options;
  const running = new Map<string, Observable<boolean>>();

  const fetchShared = (key: string, context: RequestContext) => {
    const known = running.get(key);
    if (known) return known;
    const started = defer(() =>
      // A deadline of its own: the call does not end with the first token that waits for it.
      fetch({ ...context, deadline: new Deadline(options.timeout) }),
    ).pipe(
      tap({
        next: (isWhiteLabel) => {
          const expiresAt = Date.now() + cache.ttl;
          const entry: CachedFlags = { isWhiteLabel, expiresAt };
          void store.write(key, entry, cache.ttl * STALE_FACTOR);
        },
        finalize: () => running.delete(key),
      }),
      shareReplay({ bufferSize: 1, refCount: true }),
    );
    running.set(key, started);
    return started;
  };

  return (context) => {
    const key = cacheKey('flags', context.account, vendor, baseUrl);
    return from(store.read(key, parseCachedFlags)).pipe(
      switchMap((cached) => {
        if (cached && isCurrent(cached, cache.ttl)) {
          return of(cached.isWhiteLabel);
        }
        const fetched$ = fetchShared(key, context);
        return cached
          ? fetched$.pipe(
              timeout(GRACE_MS),
              catchError(() => of(cached.isWhiteLabel)),
            )
          : fetched$;
      }),
    );
  };
}

/** A value that expires later than now plus `ttl` comes from a clock that is wrong. */
function isCurrent({ expiresAt }: CachedFlags, ttl: number): boolean {
  const remaining = expiresAt - Date.now();
  return remaining > 0 && remaining <= ttl;
}

/** @throws {InvalidResponseError} where a value is not what {@link withFlagsCache} has stored */
function parseCachedFlags(value: unknown): CachedFlags {
  if (
    !isRecord(value) ||
    typeof value.isWhiteLabel !== 'boolean' ||
    typeof value.expiresAt !== 'number'
  ) {
    throw new InvalidResponseError('not the flags of an account');
  }
  return value as unknown as CachedFlags;
}

/** Whether the widget may hide the branding, and why that is not known. */
export interface WhiteLabel {
  readonly isWhiteLabel: boolean;
  /** The failure that made it `false`; `'late'` where the flags did not arrive in time. */
  readonly failure?: AuthKitException | 'late';
}

const LATE: WhiteLabel = { isWhiteLabel: false, failure: 'late' };

/**
 * Fetches the flags in parallel with the pages. The flags never fail a token:
 * if they fail, or do not arrive soon after the pages, `isWhiteLabel` is `false`.
 */
export function withWhiteLabel<T>(
  pages$: Observable<T>,
  flag$: Observable<boolean>,
  deadline: Deadline,
): Observable<readonly [T, WhiteLabel]> {
  const whiteLabel$ = flag$.pipe(
    map((isWhiteLabel): WhiteLabel => ({ isWhiteLabel })),
    catchError((failure: AuthKitException) =>
      of({ isWhiteLabel: false, failure }),
    ),
    startWith(undefined),
  );
  const graceTimer = () => timer(Math.min(GRACE_MS, deadline.remaining() / 2));
  return combineLatest([pages$, whiteLabel$]).pipe(
    switchMap(([pages, whiteLabel]) =>
      whiteLabel
        ? of([pages, whiteLabel] as const)
        : graceTimer().pipe(map(() => [pages, LATE] as const)),
    ),
    take(1),
  );
}
