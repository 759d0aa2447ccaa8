import { from, of, switchMap, tap, type Observable } from 'rxjs';
import { BoundedMap } from '../cache/bounded-map.js';
import { cacheKey } from '../cache/cache-key.js';
import type { ResilientStore } from '../cache/resilient-store.js';
import type { ModuleOptions } from '../options/module.options.js';
import {
  InvalidResponseError,
  isCount,
  isRecord,
  isSafeJson,
} from '../pica/responses.js';
import { hasSameCounts } from './fetch-all-pages.js';
import { asOnePage } from './merge-pages.js';
import {
  findElements,
  firstElement,
  type ElementBounds,
  type RawPage,
} from './raw-page.js';

/** The maximum length of the rows that are cached for one account. */
const MAX_CHARACTERS = 16_000_000;

/** After so many outdated entries in a row, an account is fetched without the cache for `ttl`. */
const MAX_MISMATCHES = 3;

/** The integrations of an account, as the store has them: nothing that is bound to an identity. */
interface CachedIntegrations {
  readonly total: number;
  /** How many pages the rows came in. */
  readonly pages: number;
  /** The rows in JSON, without brackets. */
  readonly rows: string;
}

/** The same, validated, with the texts that a token needs. */
interface KnownIntegrations {
  readonly total: number;
  readonly pages: number;
  readonly firstRow: string;
  readonly rows: Buffer;
  readonly parsedRows: readonly object[];
  readonly findRows: RawPage['findRows'];
}

/** How a token is fetched. */
export interface TokenFetcher {
  /** Fetches page 1 with one row, for the identity of the token. */
  readonly probe: () => Observable<RawPage>;
  /** Fetches all pages, for the identity of the token. */
  readonly all: () => Observable<RawPage[]>;
}

/**
 * Caches the integrations of an account. With an entry, a token fetches page 1
 * with one row for its own identity. The cached rows count if that page
 * announces the same `total` and begins with the same row, byte for byte. The
 * token then has the `requestId` of that page, and everything else it says.
 */
export class IntegrationsCache {
  /** The number of outdated entries in a row, by account. */
  private readonly mismatches = new BoundedMap<number>(1_000);
  /** Entries of this instance, which need no validation when a store in memory returns the same object. */
  private readonly known = new WeakMap<object, KnownIntegrations>();

  constructor(
    private readonly options: Pick<
      ModuleOptions,
      'vendor' | 'baseUrl' | 'maxPages' | 'cache'
    >,
    private readonly store: ResilientStore,
  ) {}

  /** Emits the pages of one token: one page where the cached rows count. */
  fetch(account: string, fetcher: TokenFetcher): Observable<RawPage[]> {
    const { vendor, baseUrl, cache } = this.options;
    if ((this.mismatches.get(account) ?? 0) >= MAX_MISMATCHES) {
      return fetcher.all();
    }
    const key = cacheKey('integrations', account, vendor, baseUrl);
    const fetchAndStore = () =>
      fetcher.all().pipe(tap((pages) => this.write(key, pages)));

    return from(this.store.read(key, (value) => this.parse(value))).pipe(
      switchMap((cached) => {
        if (!cached || cached.pages > this.options.maxPages) {
          return fetchAndStore();
        }
        return fetcher.probe().pipe(
          switchMap((page) => {
            if (isFresh(cached, page)) {
              this.mismatches.delete(account);
              return of([withRows(page, cached)]);
            }
            const mismatches = (this.mismatches.get(account) ?? 0) + 1;
            this.mismatches.set(account, mismatches, cache.ttl);
            return fetchAndStore();
          }),
        );
      }),
    );
  }

  private write(key: string, pages: readonly RawPage[]): void {
    const { total, pages: count } = pages[0]!.fields;
    const isConsistent = pages.every(({ fields }) =>
      hasSameCounts(fields, pages[0]!.fields),
    );
    // An empty list takes one call anyway.
    if (!isConsistent || !isCount(total) || total === 0) return;
    const rows = pages
      .filter((page) => page.rows.length > 0)
      .map((page) => page.rows.toString())
      .join(',');
    if (rows.length > MAX_CHARACTERS) return;
    const entry: CachedIntegrations = { total, pages: count, rows };
    this.known.set(entry, toKnown(entry));
    // No token waits for it.
    void this.store.write(key, entry);
  }

  /** @throws {InvalidResponseError | SyntaxError} where a value is no entry of this cache */
  private parse(value: unknown): KnownIntegrations {
    if (!isRecord(value)) throw new InvalidResponseError('no integrations');
    const known = this.known.get(value);
    if (known) return known;
    const { total, pages, rows } = value as unknown as CachedIntegrations;
    // The sizes first: the value may be huge.
    if (
      !isCount(total) ||
      !isCount(pages) ||
      typeof rows !== 'string' ||
      rows.length > MAX_CHARACTERS
    ) {
      throw new InvalidResponseError('no integrations');
    }
    return toKnown({ total, pages, rows });
  }
}

/** Whether the cached integrations are those that a page announces. */
function isFresh(cached: KnownIntegrations, page: RawPage): boolean {
  return (
    page.fields.total === cached.total &&
    firstElement(page.rows.toString()) === cached.firstRow
  );
}

/** A page with the cached rows, as the only one. */
function withRows(
  page: RawPage,
  { rows, parsedRows, findRows }: KnownIntegrations,
): RawPage {
  return {
    ...page,
    rows,
    parsedRows,
    findRows,
    members: asOnePage(page.members, page.members),
  };
}

/** @throws {InvalidResponseError | SyntaxError} where the rows are not the inside of a list of rows */
function toKnown({
  total,
  pages,
  rows,
}: CachedIntegrations): KnownIntegrations {
  const parsedRows: unknown = JSON.parse(`[${rows}]`);
  if (
    !Array.isArray(parsedRows) ||
    !parsedRows.every(isRecord) ||
    !isSafeJson(parsedRows)
  ) {
    throw new InvalidResponseError('no rows of integrations');
  }
  const text = Buffer.from(rows);
  let found: readonly ElementBounds[] | undefined;
  return {
    total,
    pages,
    firstRow: firstElement(rows),
    rows: text,
    parsedRows,
    findRows: () => (found ??= findElements(text)),
  };
}
