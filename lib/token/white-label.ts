import {
  catchError,
  defaultIfEmpty,
  delayWhen,
  map,
  of,
  takeUntil,
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

/**
 * Reads the flags beside the pages. The flags never cost a token: where they
 * fail, or are not there soon after `pages$`, the answer is `false`.
 */
export function readWhiteLabel(
  flags$: Observable<PicaFlags>,
  pages$: Observable<unknown>,
  deadline: Deadline,
): Observable<WhiteLabel> {
  const patience = () => Math.min(GRACE, deadline.remaining() / 2);
  return flags$.pipe(
    map(({ authkitWhitelist }): WhiteLabel => ({
      isWhiteLabel: authkitWhitelist ?? false,
    })),
    catchError((failure: AuthKitException) =>
      of({ isWhiteLabel: false, failure }),
    ),
    takeUntil(pages$.pipe(delayWhen(() => timer(patience())))),
    defaultIfEmpty({ isWhiteLabel: false, failure: 'late' as const }),
  );
}
