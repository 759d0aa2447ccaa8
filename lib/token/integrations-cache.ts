import {
  ignoreElements,
  map,
  merge,
  of,
  shareReplay,
  switchMap,
  type Observable,
} from 'rxjs';
import { cacheKey } from '../cache/cache-key.js';
import type { ResilientStore } from '../cache/resilient-store.js';
import { SingleFlight, type Flight } from '../cache/single-flight.js';
import type { ModuleOptions } from '../options/module.options.js';
import type { RequestContext } from '../pica/request-context.js';
import { InvalidResponseError } from '../pica/responses.js';
import { MAX_BODY_BYTES } from '../pica/transport.js';
import { fetchAllPages, hasSameCounts } from './fetch-all-pages.js';
import { serializeToken } from './merge-pages.js';
import { parsePage, type PageFields, type RawPage } from './raw-page.js';

/** Fetches one page, counted from 1, for one identity. */
export type FetchPageFor = (
  page: number,
  context: RequestContext,
) => Observable<RawPage>;

/**
 * Fetches all pages in order, at least one.
 *
 * @param hint how many to fetch in parallel
 */
export type FetchAllPages = (
  fetchPage: FetchPageFor,
  hint: number,
  context: RequestContext,
) => Observable<RawPage[]>;

/** A page as the store has it: nothing that is bound to an identity. */
interface CachedPage extends Pick<PageFields, 'total' | 'pages'> {
  /** In JSON, without brackets. */
  readonly rows: string;
}

/**
 * Caches the rows of pages 2…n. Every token fetches page 1 for its own
 * identity, and the cached rows count only if it announces the same `total` and
 * `pages`.
 *
 * Nothing else of a page is cached or sent with another token, its `requestId`
 * above all: the merged pages have that of page 1.
 */
export function withIntegrationsCache(
  options: Pick<
    ModuleOptions,
    'vendor' | 'baseUrl' | 'pageSize' | 'maxPages' | 'concurrency'
  >,
  store: ResilientStore,
): FetchAllPages {
  const { vendor, baseUrl, pageSize, maxPages } = options;
  const singleFlight = new SingleFlight();
  /** Pages of this instance, which need no validation when a store in memory returns the same object. */
  const known = new WeakMap<object, RawPage[]>();

  const toCached = (pages: RawPage[]): CachedPage[] => {
    const cached = pages.map(({ rows, fields: { total, pages } }) => ({
      rows: rows.toString(),
      total,
      pages,
    }));
    // Copies: a page may hold much else, and its rows the whole body.
    known.set(cached, cached.map(toPage));
    return cached;
  };

  const parseCached = (value: unknown): RawPage[] => {
    if (!Array.isArray(value)) {
      throw new InvalidResponseError('not a list of pages');
    }
    return known.get(value) ?? value.map(parseCachedPage);
  };

  return (fetchPage, hint, context) => {
    const key = cacheKey(
      'integrations',
      context.secretKey,
      vendor,
      baseUrl,
      pageSize,
    );
    return singleFlight.run(key, context.deadline, (flight) => {
      const first$ = fetchPage(1, context).pipe(
        shareReplay({ bufferSize: 1, refCount: true }),
      );
      const cached$ = flight.lookup(() => store.read(key, parseCached));

      const fetchAll = (hint: number) =>
        fetchAllPages(
          (page, first) =>
            page === 1
              ? first$
              : fetchShared(flight, fetchPage, context, { page, first }),
          options,
          hint,
        ).pipe(
          map(([first, ...others]) => {
            const isConsistent = others.every((page) =>
              hasSameCounts(page.fields, first!.fields),
            );
            if (isConsistent && others.length > 0) {
              flight.store(others, () => store.write(key, toCached(others)));
            }
            return withFieldsOf(first!, others);
          }),
        );

      const all$ = cached$.pipe(
        switchMap((cached) => {
          if (!cached) return fetchAll(hint);
          return first$.pipe(
            switchMap((first) => {
              const isFresh =
                cached.length === first.fields.pages - 1 &&
                cached.length < maxPages &&
                cached.every(({ fields }) =>
                  hasSameCounts(fields, first.fields),
                );
              if (isFresh) return of(withFieldsOf(first, cached));
              flight.invalidate(cached, () => store.remove(key));
              return fetchAll(1);
            }),
          );
        }),
      );
      // Page 1 is fetched at once, in parallel with the lookup in the store.
      return merge(first$.pipe(ignoreElements()), all$);
    });
  };
}

/**
 * Fetches one of pages 2…n once for all concurrent tokens. Tokens share a page
 * that was fetched by a hint, or because their first pages announce the same counts.
 */
function fetchShared(
  flight: Flight,
  fetchPage: FetchPageFor,
  context: RequestContext,
  { page, first }: { page: number; first?: RawPage },
): Observable<RawPage> {
  const { total, pages } = first?.fields ?? {};
  const counts = first ? `${total}/${pages}` : 'hint';
  return flight.share(`page ${page} of ${counts}`, () =>
    fetchPage(page, { ...context, deadline: flight.deadline }),
  );
}

/** The pages of one token: the first one's fields, and the rows of all. */
function withFieldsOf(first: RawPage, others: readonly RawPage[]): RawPage[] {
  return [first, ...others.map(({ rows }) => ({ ...first, rows }))];
}

function toPage({ rows, total, pages }: CachedPage): RawPage {
  const fields = { total, pages } as PageFields;
  return { fields, rows: Buffer.from(rows) };
}

/** @throws {InvalidResponseError | SyntaxError} where a value is no page from the store */
function parseCachedPage(value: unknown): RawPage {
  const { rows } = (value ?? {}) as Partial<CachedPage>;
  // Checked first: the value may be huge.
  if (typeof rows !== 'string' || rows.length > MAX_BODY_BYTES) {
    throw new InvalidResponseError('not the rows of a page');
  }
  const { fields, rows: json } = toPage(value as CachedPage);
  return parsePage(serializeToken({ fields, rows: [json] }));
}
