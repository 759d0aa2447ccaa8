import {
  catchError,
  combineLatest,
  map,
  of,
  startWith,
  switchMap,
  take,
  tap,
  timer,
  type Observable,
} from 'rxjs';
import type { AuthKitException } from '../authkit.exception.js';
import { cacheKey } from '../cache/cache-key.js';
import type { ResilientStore } from '../cache/resilient-store.js';
import { SingleFlight } from '../cache/single-flight.js';
import type { ModuleOptions } from '../options/module.options.js';
import type { PicaClient } from '../pica/pica.client.js';
import type { Deadline, RequestContext } from '../pica/request-context.js';
import { InvalidResponseError, isRecord } from '../pica/responses.js';

/** How long a token whose pages are all there waits for the flags, in ms. */
const GRACE_MS = 1_000;

/** The part of the account's flags that a token needs. */
export interface AccountFlags {
  authkitWhitelist?: boolean | null;
}

/** Fetches the account's flags. */
export type FetchFlags = (context: RequestContext) => Observable<AccountFlags>;

/** Fetches the flags from Pica. */
export const fetchFlags =
  (pica: PicaClient, path: string): FetchFlags =>
  (context) =>
    pica.request(
      {
        method: 'GET',
        path,
        parse: (body) => parseFlags(JSON.parse(body.toString())),
      },
      context,
    );

/** @throws {InvalidResponseError} where a value is not the flags of an account */
function parseFlags(value: unknown): AccountFlags {
  if (
    !isRecord(value) ||
    typeof (value.authkitWhitelist ?? false) !== 'boolean'
  ) {
    throw new InvalidResponseError('not the flags of an account');
  }
  return value as AccountFlags;
}

/** Caches whether the account is white label, for each secret key. A failure is not cached. */
export function withFlagsCache(
  fetch: FetchFlags,
  { vendor, baseUrl }: Pick<ModuleOptions, 'vendor' | 'baseUrl'>,
  store: ResilientStore,
): FetchFlags {
  const singleFlight = new SingleFlight();
  return (context) => {
    const key = cacheKey('flags', context.secretKey, vendor, baseUrl);
    return singleFlight.run(key, context.deadline, (flight) => {
      const cached$ = flight.lookup(() => store.read(key, parseCachedFlags));
      const fetched$ = flight.share('fetch', () =>
        fetch({ ...context, deadline: flight.deadline }).pipe(
          map(({ authkitWhitelist }) => ({
            authkitWhitelist: authkitWhitelist ?? false,
          })),
        ),
      );
      return cached$.pipe(
        switchMap((cached) =>
          cached
            ? of(cached)
            : fetched$.pipe(
                tap((flags) =>
                  flight.store(flags, () => store.write(key, flags)),
                ),
              ),
        ),
      );
    });
  };
}

/** @throws {InvalidResponseError} where a value is not what {@link withFlagsCache} has stored */
function parseCachedFlags(value: unknown): AccountFlags {
  const flags = parseFlags(value);
  if (typeof flags.authkitWhitelist !== 'boolean') {
    throw new InvalidResponseError('not the flags of an account');
  }
  return flags;
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
  flags$: Observable<AccountFlags>,
  deadline: Deadline,
): Observable<readonly [T, WhiteLabel]> {
  const whiteLabel$ = flags$.pipe(
    map(({ authkitWhitelist }): WhiteLabel => ({
      isWhiteLabel: authkitWhitelist ?? false,
    })),
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
