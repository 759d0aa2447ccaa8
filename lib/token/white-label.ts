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
import type { PicaFlags } from '../pica/answers.js';
import type { AuthKitException } from '../pica/authkit.exception.js';
import type { Deadline } from '../pica/deadline.js';

/** How long (ms) a token whose pages are all there waits for the flags. */
const GRACE = 1_000;

/** Whether the widget may hide the branding, and why that is not known. */
export interface WhiteLabel {
  readonly isWhiteLabel: boolean;
  /** The failure that made it `false`; `'late'` where the flags did not come in time. */
  readonly failure?: AuthKitException | 'late';
}

const LATE: WhiteLabel = { isWhiteLabel: false, failure: 'late' };

/**
 * Reads the flags beside the pages. The flags never cost a token: where they
 * fail, or are not there soon after the pages, the answer is `false`.
 */
export function besideFlags<T>(
  pages$: Observable<T>,
  flags$: Observable<PicaFlags>,
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
  const patience = () => timer(Math.min(GRACE, deadline.remaining() / 2));
  return combineLatest([pages$, whiteLabel$]).pipe(
    switchMap(([pages, known]) =>
      known
        ? of([pages, known] as const)
        : patience().pipe(map(() => [pages, LATE] as const)),
    ),
    take(1),
  );
}
