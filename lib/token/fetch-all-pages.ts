import {
  catchError,
  EMPTY,
  map,
  mergeMap,
  Observable,
  of,
  Subject,
} from 'rxjs';
import { AuthKitException } from '../authkit.exception.js';
import type { PageFields } from './raw-page.js';

/**
 * Fetches one page, counted from 1.
 *
 * @param first the first page, where this one is fetched because of what the first announces
 */
export type FetchPage<P> = (page: number, first?: P) => Observable<P>;

/** A page that says how many there are. */
export interface CountedPage {
  readonly fields: Pick<PageFields, 'total' | 'pages'>;
}

/** The outcome of one call for a page. */
interface PageResult<P> {
  readonly number: number;
  /** Whether it was fetched before the first page had announced how many there are. */
  readonly speculative: boolean;
  readonly page?: P;
  readonly error?: unknown;
}

/**
 * Fetches all pages in order, `concurrency` of them in parallel. The first page
 * announces how many there are. Up to `hint` of them, and `concurrency` at most,
 * are fetched at once, so that a correct hint needs one round trip.
 *
 * The outcome does not depend on the hint: a speculative page counts only if it
 * announces the same `total` and `pages` as the first page, else it is fetched
 * again; results beyond the last page are dropped, failures included. A page
 * that fails for good cancels the others.
 *
 * @throws {AuthKitException} (as error notification) `malformed` where more than `maxPages` are announced
 */
export function fetchAllPages<P extends CountedPage>(
  fetchPage: FetchPage<P>,
  { concurrency, maxPages }: { concurrency: number; maxPages: number },
  hint = 1,
): Observable<P[]> {
  // A hint that is far too high must not cost more calls than run at once.
  const speculated = Math.min(hint, concurrency, maxPages);
  return new Observable((subscriber) => {
    const queue = new Subject<{ number: number; speculative: boolean }>();
    const buffered: PageResult<P>[] = [];
    const pages: P[] = [];
    let first: P | undefined;
    let remaining = 0;

    const enqueue = (from: number, to: number, speculative: boolean) => {
      for (let number = from; number <= to; number += 1) {
        queue.next({ number, speculative });
      }
    };

    const acceptFirst = ({ page, error }: PageResult<P>) => {
      if (!page) return subscriber.error(error);
      const { pages: count } = page.fields;
      if (count > maxPages) {
        return subscriber.error(tooManyPages(count, maxPages));
      }
      first = page;
      pages[0] = page;
      remaining = Math.max(0, count - 1);
      buffered.forEach(accept);
      enqueue(speculated + 1, count, false);
      completeIfDone();
    };

    const accept = ({ number, speculative, page, error }: PageResult<P>) => {
      if (isBeyondLast(number)) return;
      if (!page) return subscriber.error(error);
      if (speculative && !hasSameCounts(page.fields, first!.fields)) {
        return enqueue(number, number, false);
      }
      pages[number - 1] = page;
      remaining -= 1;
    };

    const isBeyondLast = (number: number) =>
      first !== undefined && number > first.fields.pages;

    const completeIfDone = () => {
      if (remaining > 0) return;
      subscriber.next(pages);
      subscriber.complete();
    };

    subscriber.add(
      queue
        .pipe(
          mergeMap(
            ({ number, speculative }) =>
              isBeyondLast(number)
                ? EMPTY
                : fetchPage(number, speculative ? undefined : first).pipe(
                    map((page): PageResult<P> => ({
                      number,
                      speculative,
                      page,
                    })),
                    catchError((error: unknown) =>
                      of({ number, speculative, error }),
                    ),
                  ),
            concurrency,
          ),
        )
        .subscribe((result) => {
          if (result.number === 1) return acceptFirst(result);
          if (!first) return void buffered.push(result);
          accept(result);
          return completeIfDone();
        }),
    );
    enqueue(1, speculated, true);
  });
}

/** Whether two pages announce the same number of integrations and pages. */
export function hasSameCounts(
  page: CountedPage['fields'],
  first: CountedPage['fields'],
): boolean {
  return page.total === first.total && page.pages === first.pages;
}

function tooManyPages(pages: number, maxPages: number): AuthKitException {
  return new AuthKitException('malformed', {
    cause: new Error(
      `announces ${pages} pages, more than maxPages (${maxPages})`,
    ),
  });
}
