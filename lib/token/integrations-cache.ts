import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { from, of, switchMap, tap, type Observable } from 'rxjs';
import { BoundedMap } from '../bounded-map.js';
import { accountKeys } from '../cache/cache-key.js';
import type { ResilientStore } from '../cache/resilient-store.js';
import type { ModuleOptions } from '../options/module.options.js';
import { InvalidResponseError, isCount, isRecord } from '../pica/responses.js';
import { hasSameCounts } from './fetch-all-pages.js';
import { asOnePage } from './merge-pages.js';
import {
  firstElement,
  rawRows,
  type RawPage,
  type RawRows,
} from './raw-page.js';

/** The maximum length of the rows that are cached for one account. */
const MAX_CHARACTERS = 4_000_000;

/** The maximum length of all verified rows in memory. */
const MAX_VERIFIED_CHARACTERS = 25_000_000;

/** The length of an id, and the maximum length of a signature. */
const MAX_ID_LENGTH = 64;

/** After so many outdated entries in a row, an account is fetched without the cache for `ttl`. */
const MAX_MISMATCHES = 3;

/** The integrations of an account, as the store has them: nothing that is bound to an identity. */
interface CachedIntegrations {
  /** Random: tells the entries apart. */
  readonly id: string;
  readonly total: number;
  /** How many pages the rows came in. */
  readonly pages: number;
  /** The rows in JSON, without brackets. */
  readonly rows: string;
  /** An HMAC of all that under the account's secret key: whoever writes to the store can offer no rows of their own. */
  readonly signature: string;
}

/** The same, verified, with what a token needs. */
interface VerifiedIntegrations
  extends Omit<CachedIntegrations, 'rows'>, RawRows {
  readonly firstRow: string;
}

/** The outdated entries of an account in a row. */
interface Mismatches {
  readonly count: number;
  /** The id of the last one. */
  readonly id: string;
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
  private readonly keyOf: (account: string) => string;
  /** By account. */
  private readonly mismatches = new BoundedMap<Mismatches>(1_000);
  /** The last verified entry of each key: reading it again costs neither an HMAC nor a copy. */
  private readonly verified = new BoundedMap<VerifiedIntegrations>(
    MAX_VERIFIED_CHARACTERS,
  );

  constructor(
    private readonly options: Pick<
      ModuleOptions,
      'vendor' | 'baseUrl' | 'maxPages' | 'cache'
    >,
    private readonly store: ResilientStore,
  ) {
    const { vendor, baseUrl } = options;
    this.keyOf = accountKeys('integrations', vendor, baseUrl);
  }

  /** Emits the pages of one token: one page where the cached rows count. */
  fetch(account: string, fetcher: TokenFetcher): Observable<RawPage[]> {
    if ((this.mismatches.get(account)?.count ?? 0) >= MAX_MISMATCHES) {
      return fetcher.all();
    }
    const key = this.keyOf(account);
    const fetchAndStore = () =>
      fetcher.all().pipe(tap((pages) => this.write(key, account, pages)));

    const read = this.store.read(key, (value) =>
      this.parse(key, account, value),
    );
    return from(read).pipe(
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
            this.invalidate(key, account, cached.id);
            return fetchAndStore();
          }),
        );
      }),
    );
  }

  /** Removes an outdated entry and counts it, once for all tokens that have read it. */
  private invalidate(key: string, account: string, id: string): void {
    const known = this.mismatches.get(account);
    if (known?.id === id) return;
    const count = (known?.count ?? 0) + 1;
    this.mismatches.set(account, { count, id }, this.options.cache.ttl);
    this.verified.delete(key);
    void this.store.remove(key);
  }

  private write(key: string, account: string, pages: readonly RawPage[]): void {
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
    const facts = { id: randomUUID(), total, pages: count, rows };
    const entry = { ...facts, signature: sign(key, account, facts) };
    this.keep(key, entry);
    // No token waits for it.
    void this.store.write(key, entry);
  }

  /** @throws {InvalidResponseError} where a value is no entry of this cache for this key */
  private parse(
    key: string,
    account: string,
    value: unknown,
  ): VerifiedIntegrations {
    const entry = assertEntry(value);
    const known = this.verified.get(key);
    if (known?.signature === entry.signature) return known;
    if (!isEqual(entry.signature, sign(key, account, entry))) {
      throw new InvalidResponseError('not signed by this account');
    }
    return this.keep(key, entry);
  }

  private keep(key: string, entry: CachedIntegrations): VerifiedIntegrations {
    const verified: VerifiedIntegrations = {
      ...entry,
      ...rawRows(Buffer.from(entry.rows)),
      firstRow: firstElement(entry.rows),
    };
    const { ttl } = this.options.cache;
    this.verified.set(key, verified, ttl, entry.rows.length);
    return verified;
  }
}

/** @throws {InvalidResponseError} where a value has not the form of an entry. It looks at sizes before contents: the value may be huge. */
function assertEntry(value: unknown): CachedIntegrations {
  if (isRecord(value)) {
    const { id, total, pages, rows, signature } = value;
    const isShort = (text: unknown): text is string =>
      typeof text === 'string' && text.length <= MAX_ID_LENGTH;
    if (
      isShort(id) &&
      isShort(signature) &&
      isCount(total) &&
      isCount(pages) &&
      typeof rows === 'string' &&
      rows.length <= MAX_CHARACTERS
    ) {
      return { id, total, pages, rows, signature };
    }
  }
  throw new InvalidResponseError('no integrations');
}

/** @param account holds the secret key */
function sign(
  key: string,
  account: string,
  { id, total, pages, rows }: Omit<CachedIntegrations, 'signature'>,
): string {
  return createHmac('sha256', account)
    .update(`${JSON.stringify([key, id, total, pages])}\n`)
    .update(rows)
    .digest('base64url');
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Whether the cached integrations are those that a page announces. */
function isFresh(cached: VerifiedIntegrations, page: RawPage): boolean {
  return (
    page.fields.total === cached.total &&
    firstElement(page.rows.toString()) === cached.firstRow
  );
}

/** A page with the cached rows, as the only one. */
function withRows(
  page: RawPage,
  { rows, sharedRows, findRows }: VerifiedIntegrations,
): RawPage {
  return {
    ...page,
    rows,
    sharedRows,
    findRows,
    members: asOnePage(page.members, page.members),
  };
}
