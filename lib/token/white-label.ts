import {
  catchError,
  combineLatest,
  map,
  of,
  startWith,
  switchMap,
  take,
  timer,
  type Observable,
} from 'rxjs';
import type { AuthKitException } from '../authkit.exception.js';
import type { FetchForAccount } from '../cache/account-cache.js';
import type { PicaClient } from '../pica/pica.client.js';
import type { Deadline } from '../pica/request-context.js';
import { InvalidResponseError, isRecord } from '../pica/responses.js';

/** How long a token whose pages are all there waits for the flags, in ms. */
const GRACE_MS = 1_000;

/** Fetches from the account's flags whether it may hide Pica's branding in the widget. */
export const fetchWhiteLabel =
  (pica: PicaClient, path: string): FetchForAccount<boolean> =>
  (context) =>
    pica.request({ method: 'GET', path, parse: parseFlags }, context);

/** @throws {InvalidResponseError | SyntaxError} where the body is not the flags of an account */
function parseFlags(body: Buffer): boolean {
  const flags: unknown = JSON.parse(body.toString());
  return assertFlag(
    isRecord(flags) ? (flags.authkitWhitelist ?? false) : undefined,
  );
}

/** @throws {InvalidResponseError} where a value is no flag */
export function assertFlag(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new InvalidResponseError('not the flags of an account');
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
