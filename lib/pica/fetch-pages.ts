import { AuthKitException } from '../authkit.exception.js';
import type { Limits } from '../options/limits.js';

/** A page that says how many there are. */
export interface CountedPage {
  readonly pages: number;
  /** The number of rows on all pages. */
  readonly total?: number | null;
}

/**
 * Fetches all pages in order, `concurrency` of them in parallel. The first page
 * says how many there are. Pages 2 to `guess` are fetched at the same time on
 * speculation, so that a correct guess needs one round trip.
 *
 * The outcome does not depend on the guess: a speculative page counts only if it
 * announces the same `total` and `pages` as the first page. Otherwise, and if it
 * fails, it is fetched again. Pages beyond the last are dropped.
 *
 * @param fetchPage fetches one page, counted from 1
 * @throws {AuthKitException} `malformed` if more than `maxPages` are announced
 */
export async function fetchPages<P extends CountedPage>(
  fetchPage: (page: number, isSpeculative: boolean) => Promise<P>,
  { concurrency, maxPages }: Pick<Limits, 'concurrency' | 'maxPages'>,
  guess = 1,
): Promise<P[]> {
  const speculated = Math.min(guess, concurrency);
  const pending = fetchPage(1, false);
  const early: Promise<P | undefined>[] = [];
  for (let page = 2; page <= speculated; page += 1) {
    early[page] = fetchPage(page, true).catch(() => undefined);
  }
  const first = await pending;
  if (first.pages > maxPages) throw tooManyPages(first.pages, maxPages);

  const pages = [first];
  await inParallel(first.pages - 1, concurrency, async (index) => {
    const number = index + 2;
    const page = await early[number];
    pages[number - 1] =
      page && page.total === first.total && page.pages === first.pages
        ? page
        : await fetchPage(number, false);
  });
  return pages;
}

/**
 * Runs a step for each index from 0, `concurrency` of them in parallel. Rejects
 * with the first failure, after which no further step starts.
 */
export async function inParallel(
  count: number,
  concurrency: number,
  step: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const workers = Array.from(
    { length: Math.max(0, Math.min(concurrency, count)) },
    async () => {
      while (next < count) {
        try {
          await step(next++);
        } catch (error) {
          next = count;
          throw error;
        }
      }
    },
  );
  await Promise.all(workers);
}

export function tooManyPages(
  pages: number,
  maxPages: number,
): AuthKitException {
  return new AuthKitException('malformed', {
    cause: new Error(`announces ${pages} pages, more than ${maxPages}`),
  });
}
