import {
  catchError,
  EMPTY,
  map,
  mergeMap,
  Observable,
  of,
  Subject,
} from 'rxjs';
import type { PageFields, PicaPage } from '../pica/answers.js';
import { AuthKitException } from '../pica/authkit.exception.js';

/**
 * Fetches one page, counted from 1.
 *
 * @param first the first page, where this one is asked for because of what that says
 */
export type FetchPage = (
  page: number,
  first?: PicaPage,
) => Observable<PicaPage>;

/** What a page says of all pages. */
type Catalogue = Pick<PageFields, 'total' | 'pages'>;

/** What came of one call for a page. */
interface Arrival {
  readonly number: number;
  /** Whether it was asked for before the first page had told how many there are. */
  readonly guessed: boolean;
  readonly page?: PicaPage;
  readonly error?: unknown;
}

/**
 * All pages in order, with `concurrency` of them in flight at any moment.
 * The first page tells how many there are; up to `guess` of them are asked for
 * beside it, so that a good guess needs one round trip.
 *
 * A guess is never more than that: a guessed page counts only where it tells
 * of the same catalogue as the first page, else it is asked for again, and what
 * lies beyond the last page is dropped, failures included. So the outcome is
 * the same as without. One page failing for good ends the others.
 *
 * @throws {AuthKitException} (as error notification) `malformed` where more than `maxPages` are announced
 */
export function fetchAllPages(
  fetchPage: FetchPage,
  { concurrency, maxPages }: { concurrency: number; maxPages: number },
  guess = 1,
): Observable<PicaPage[]> {
  return new Observable((subscriber) => {
    const queue = new Subject<{ number: number; guessed: boolean }>();
    const waiting: Arrival[] = [];
    const pages: PicaPage[] = [];
    let first: PicaPage | undefined;
    let missing = 0;

    const ask = (from: number, to: number, guessed: boolean) => {
      for (let number = from; number <= to; number += 1) {
        queue.next({ number, guessed });
      }
    };

    const start = ({ page, error }: Arrival) => {
      if (!page) return subscriber.error(error);
      const { pages: count } = page.fields;
      if (count > maxPages) {
        return subscriber.error(tooManyPages(count, maxPages));
      }
      first = page;
      pages[0] = page;
      missing = Math.max(0, count - 1);
      waiting.forEach(take);
      ask(guess + 1, count, false);
      finish();
    };

    const take = ({ number, guessed, page, error }: Arrival) => {
      if (isBeyond(number)) return;
      if (!page) return subscriber.error(error);
      if (guessed && !isSameCatalogue(page.fields, first!.fields)) {
        return ask(number, number, false);
      }
      pages[number - 1] = page;
      missing -= 1;
    };

    const isBeyond = (number: number) =>
      first !== undefined && number > first.fields.pages;

    const finish = () => {
      if (missing > 0) return;
      subscriber.next(pages);
      subscriber.complete();
    };

    subscriber.add(
      queue
        .pipe(
          mergeMap(
            ({ number, guessed }) =>
              isBeyond(number)
                ? EMPTY
                : fetchPage(number, guessed ? undefined : first).pipe(
                    map((page): Arrival => ({ number, guessed, page })),
                    catchError((error: unknown) =>
                      of({ number, guessed, error }),
                    ),
                  ),
            concurrency,
          ),
        )
        .subscribe((arrival) => {
          if (arrival.number === 1) return start(arrival);
          if (!first) return void waiting.push(arrival);
          take(arrival);
          return finish();
        }),
    );
    ask(1, Math.min(guess, maxPages), true);
  });
}

/** Whether two pages tell of the same number of integrations and pages. */
export function isSameCatalogue(page: Catalogue, first: Catalogue): boolean {
  return page.total === first.total && page.pages === first.pages;
}

function tooManyPages(pages: number, maxPages: number): AuthKitException {
  return new AuthKitException('malformed', {
    cause: new Error(
      `announces ${pages} pages, more than maxPages (${maxPages})`,
    ),
  });
}
