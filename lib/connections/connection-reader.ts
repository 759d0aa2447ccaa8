import { randomUUID } from 'node:crypto';
import { AuthKitException } from '../authkit.exception.js';
import { BoundedMap } from '../cache/bounded-map.js';
import type { Session, Steps } from '../core/request-runner.js';
import type { ModuleOptions } from '../options/module.options.js';
import { MAX_PAGE_SIZE, VENDORS, type VendorProfile } from '../pica/vendors.js';
import {
  assertConnection,
  parseConnectionRow,
  parseConnectionRows,
  type AuthKitConnection,
  type ConnectionRow,
  type ConnectionRows,
} from './connection.js';
import type { ConnectionQuery } from './connection-filter.js';

/** One page of an owner's connections. */
export interface AuthKitConnectionPage {
  rows: AuthKitConnection[];
  /** The number of connections on all pages. */
  total: number;
  /** The number of pages. */
  pages: number;
  /** The number of this page, from 1. */
  page: number;
}

/** ms for which it is remembered how Pica treats the filter `identity`. */
const PROOF_TTL = 3_600_000;

/** Reads connections from Pica. What it returns has been compared with the query, whatever Pica made of it. */
export class ConnectionReader {
  private readonly vendor: VendorProfile;
  /** The accounts for which the filter `identity` finds nothing for an unknown identity. */
  private readonly exactAccounts = new BoundedMap<true>(1_000);
  /** The accounts for which the filter `identity` has found an owner's connections. */
  private readonly provenAccounts = new BoundedMap<true>(1_000);

  constructor(
    private readonly options: Pick<
      ModuleOptions,
      'vendor' | 'maxPages' | 'concurrency'
    >,
  ) {
    this.vendor = VENDORS[options.vendor];
  }

  /** Reads one connection; `undefined` where there is none. Whose it is has to be compared. */
  async get(session: Session, id: string): Promise<ConnectionRow | undefined> {
    try {
      return await session.call({
        ...this.byId('GET', id),
        parse: parseConnectionRow,
      });
    } catch (error) {
      if (isMissing(error, id)) return undefined;
      throw error;
    }
  }

  /** @returns what the call returned; `undefined` for an empty response */
  async patch(
    session: Session,
    id: string,
    body: object,
  ): Promise<ConnectionRow | undefined> {
    return session.call<ConnectionRow | undefined>({
      ...this.byId('PATCH', id),
      body,
      parse: parseConnectionRow,
      ifEmpty: undefined,
    });
  }

  /** Deletes a connection. One that is not there any more counts as deleted: an earlier response may have been lost. */
  async delete(session: Session, id: string): Promise<void> {
    try {
      await session.call<void>({
        ...this.byId('DELETE', id),
        parse: () => undefined,
        ignoresBody: true,
      });
    } catch (error) {
      if (!isMissing(error, id)) throw error;
    }
  }

  /** Reads one page of the connections that a query matches. */
  async page(
    session: Session,
    query: ConnectionQuery,
    { page, limit }: { page: number; limit: number },
  ): Promise<AuthKitConnectionPage> {
    if (query.isImpossible) return toPage([], 0, page, limit);
    if (query.isSentWhole) {
      const window = await this.window(session, query, page, limit);
      const isOwn = window?.rows.every((row) => query.matches(row));
      if (window && isOwn) {
        const { rows, total } = window;
        if (rows.length > 0)
          this.provenAccounts.set(session.account, true, PROOF_TTL);
        const isCertain = total > 0 || this.isProven(session);
        const isWhole = page === 1 && rows.length === total;
        if (isCertain && (isWhole || (await this.isExact(session, query)))) {
          const own = rows.map((row) => assertConnection(row));
          return toPage(own, total, page, limit);
        }
      }
    }
    const all = await this.scan(session, query);
    const rows = all.slice((page - 1) * limit, page * limit);
    return toPage(rows, all.length, page, limit);
  }

  /** Finds the connection of a key that a query matches. */
  async find(
    session: Session,
    query: ConnectionQuery,
  ): Promise<AuthKitConnection | undefined> {
    if (query.isImpossible) return undefined;
    if (query.isSentWhole) {
      // By the key alone: it is unique, and what `identity` filters is not certain for each vendor.
      const pages = await Promise.all(
        this.lists(query, { byIdentity: false }).map((list) =>
          this.fetch(session, list, 1, MAX_PAGE_SIZE),
        ),
      );
      const rows = pages.flatMap((page) => page.rows);
      const [own] = matching(rows, query);
      if (own || rows.every((row) => query.matchesKey(row))) return own;
    }
    const walk = this.walk(query, (steps) => steps(session));
    for await (const connection of walk) return connection;
    return undefined;
  }

  /**
   * Reads the pages of all lists of a query one after the other, to their end.
   *
   * @param run makes the calls for one page
   */
  async *walk(
    query: ConnectionQuery,
    run: <T>(steps: Steps<T>) => Promise<T>,
  ): AsyncGenerator<AuthKitConnection, void, undefined> {
    if (query.isImpossible) return;
    // Rows move to other pages when some are deleted, and a broken upstream may repeat a page for ever.
    const seen = new Set<unknown>();
    let hasFound = false;
    let isProven = true;
    for (const byIdentity of [true, false]) {
      if (!byIdentity && (hasFound || isProven)) return;
      for (const list of this.lists(query, { byIdentity })) {
        for (let page = 1, pages = 1; page <= pages; page += 1) {
          const { fresh, own } = await run(async (session) => {
            const found = await this.fetch(session, list, page, MAX_PAGE_SIZE);
            pages = found.pages;
            const fresh = found.rows.filter(({ id }) => !seen.has(id));
            const own = matching(fresh, query);
            if (own.length > 0 && byIdentity) {
              this.provenAccounts.set(session.account, true, PROOF_TTL);
            }
            isProven = this.isProven(session);
            return { fresh, own };
          });
          if (fresh.length === 0) break;
          for (const { id } of fresh) seen.add(id);
          hasFound ||= own.length > 0;
          yield* own;
        }
      }
    }
  }

  /** Reads every connection that a query matches, at most `maxPages` pages of each list. */
  private async scan(
    session: Session,
    query: ConnectionQuery,
  ): Promise<AuthKitConnection[]> {
    const filtered = await this.scanLists(session, query, true);
    return filtered.length > 0 || this.isProven(session)
      ? filtered
      : this.scanLists(session, query, false);
  }

  private async scanLists(
    session: Session,
    query: ConnectionQuery,
    byIdentity: boolean,
  ): Promise<AuthKitConnection[]> {
    const { maxPages } = this.options;
    const lists = await Promise.all(
      this.lists(query, { byIdentity }).map(async (list) => {
        const first = await this.fetch(session, list, 1, MAX_PAGE_SIZE);
        const { pages } = first;
        if (pages > maxPages) {
          throw new AuthKitException('malformed', {
            cause: new Error(
              `announces ${pages} pages of connections, more than maxPages (${maxPages})`,
            ),
          });
        }
        const others = await this.inParallel(pages - 1, (index) =>
          this.fetch(session, list, index + 2, MAX_PAGE_SIZE),
        );
        return [first, ...others];
      }),
    );
    return matching(
      lists.flat().flatMap(({ rows }) => rows),
      query,
    );
  }

  /** Whether an empty list means that the owner has no connections. */
  private isProven({ account }: Session): boolean {
    return (
      this.vendor.hasClearIdentityFilter ||
      this.provenAccounts.get(account) === true
    );
  }

  /** Runs a step for each index, `concurrency` of them in parallel. */
  async inParallel<T>(
    count: number,
    step: (index: number) => Promise<T>,
  ): Promise<T[]> {
    const results: T[] = [];
    let next = 0;
    let hasFailed = false;
    const worker = async () => {
      while (next < count && !hasFailed) {
        const index = next++;
        try {
          results[index] = await step(index);
        } catch (error) {
          hasFailed = true;
          throw error;
        }
      }
    };
    const size = Math.min(this.options.concurrency, Math.max(0, count));
    // Waits for the others too, so that a count of what was done is complete.
    const outcomes = await Promise.allSettled(
      Array.from({ length: size }, worker),
    );
    const failed = outcomes.find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
    return results;
  }

  /**
   * Reads one page of the lists of a query as if they were one: the rows of the
   * second list follow those of the first. A short first page takes one round trip.
   *
   * @returns `undefined` where a list does not tell its `total`
   */
  private async window(
    session: Session,
    query: ConnectionQuery,
    page: number,
    limit: number,
  ): Promise<{ rows: readonly ConnectionRow[]; total: number } | undefined> {
    const [head, tail] = this.lists(query);
    const [first, second] = await Promise.all([
      this.fetch(session, head!, page, limit),
      tail && this.fetch(session, tail, 1, limit),
    ]);
    if (first.total === undefined) return undefined;
    if (!tail || !second) return { rows: first.rows, total: first.total };
    if (second.total === undefined) return undefined;

    const rows = [...first.rows];
    const total = first.total + second.total;
    const start = (page - 1) * limit - first.total;
    const end = start + limit;
    if (start <= 0) {
      if (end > 0) rows.push(...second.rows.slice(0, end));
    } else if (start < second.total) {
      // The page covers parts of two pages of the second list.
      const number = Math.floor(start / limit) + 1;
      const parts = await Promise.all(
        [number, number + 1].map((part) =>
          this.fetch(session, tail, part, limit),
        ),
      );
      const offset = start % limit;
      rows.push(
        ...parts.flatMap((part) => part.rows).slice(offset, offset + limit),
      );
    }
    return { rows, total };
  }

  /**
   * Whether the counts of Pica are those of the query. They are if the owner is
   * all that it was asked for, and it finds nothing for an identity that does not exist.
   */
  private async isExact(
    session: Session,
    query: ConnectionQuery,
  ): Promise<boolean> {
    if (!query.isByOwnerAlone(this.vendor.hasActiveFilter)) return false;
    if (this.exactAccounts.get(session.account)) return true;
    const lists = this.lists(query).map((list) => ({
      ...list,
      identity: randomUUID(),
    }));
    const found = await Promise.all(
      lists.map((list) => this.fetch(session, list, 1, 1)),
    );
    const isObeyed = found.every(
      ({ rows, total }) => rows.length === 0 && !total,
    );
    if (isObeyed) this.exactAccounts.set(session.account, true, PROOF_TTL);
    return isObeyed;
  }

  private lists(
    query: ConnectionQuery,
    { byIdentity = true } = {},
  ): Record<string, string>[] {
    const { hasActiveFilter } = this.vendor;
    return query.parameters({ hasActiveFilter, byIdentity });
  }

  private fetch(
    session: Session,
    parameters: Record<string, string>,
    page: number,
    limit: number,
  ): Promise<ConnectionRows> {
    const { connectionsPath } = this.vendor;
    const query = Object.entries({ ...parameters, page, limit })
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join('&');
    return session.call({
      method: 'GET',
      path: `${connectionsPath}?${query}`,
      // The query holds the identity.
      logPath: `${connectionsPath}?page=${page}&limit=${limit}`,
      parse: parseConnectionRows,
    });
  }

  private byId<M extends 'GET' | 'PATCH' | 'DELETE'>(method: M, id: string) {
    const { connectionsPath } = this.vendor;
    return {
      method,
      path: `${connectionsPath}/${encodeURIComponent(id)}`,
      logPath: `${connectionsPath}/:id`,
    };
  }
}

/** The connections among rows that a query matches, each once. */
function matching(
  rows: readonly ConnectionRow[],
  query: ConnectionQuery,
): AuthKitConnection[] {
  const own = rows
    .filter((row) => query.matches(row))
    .map((row) => assertConnection(row));
  return [...new Map(own.map((row) => [row.id, row])).values()];
}

function toPage(
  rows: AuthKitConnection[],
  total: number,
  page: number,
  limit: number,
): AuthKitConnectionPage {
  return { rows, total, pages: Math.ceil(total / limit), page };
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Whether a call by id has failed because there is no such connection. */
function isMissing(error: unknown, id: string): boolean {
  const { upstreamStatus: status } = error as AuthKitException;
  if (status === 404 || status === 410) return true;
  // The service may refuse an id of another form.
  return (status === 400 || status === 422) && !UUID.test(id);
}
