import { AuthKitException } from '../authkit.exception.js';
import { BoundedMap } from '../bounded-map.js';
import type { Session, Steps } from '../core/request-runner.js';
import type { ModuleOptions } from '../options/module.options.js';
import { MAX_PAGE_SIZE, VENDORS, type Vendor } from '../vendors/index.js';
import {
  assertConnection,
  parseConnectionRow,
  parseConnectionRows,
  type ConnectionRow,
  type ConnectionRows,
} from './connection.js';
import type { ConnectionQuery } from './connection-filter.js';
import type { AuthKitConnection } from '../authkit.types.js';

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

/** ms for which a proof of what the filter `identity` means is remembered. */
const PROOF_TTL = 3_600_000;

/** Reads connections from Pica. What it returns has been compared with the query, whatever Pica made of it. */
export class ConnectionReader {
  private readonly vendor: Vendor;
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
      if (isGone(error) || isRefusedId(error, id)) return undefined;
      throw error;
    }
  }

  /**
   * @returns what the call returned; `undefined` for an empty response
   * @throws {AuthKitException} `not_found` where the connection is not there any more
   */
  async patch(
    session: Session,
    id: string,
    body: object,
  ): Promise<ConnectionRow | undefined> {
    try {
      return await session.call<ConnectionRow | undefined>({
        ...this.byId('PATCH', id),
        body,
        parse: parseConnectionRow,
        ifEmpty: undefined,
      });
    } catch (error) {
      throw isGone(error) ? new AuthKitException('not_found') : error;
    }
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
      if (!isGone(error)) throw error;
    }
  }

  /**
   * Reads one page of the connections that a query matches. All of them are
   * read, 150 at a time: the counts of Pica are those of its filters, which may
   * match connections of other owners as well.
   */
  async page(
    session: Session,
    query: ConnectionQuery,
    { page, limit }: { page: number; limit: number },
  ): Promise<AuthKitConnectionPage> {
    const all = query.isImpossible ? [] : await this.scan(session, query);
    return {
      rows: all.slice((page - 1) * limit, page * limit),
      total: all.length,
      pages: Math.ceil(all.length / limit),
      page,
    };
  }

  /** Finds the connection of a key that a query matches. */
  async find(
    session: Session,
    query: ConnectionQuery,
  ): Promise<AuthKitConnection | undefined> {
    if (query.isImpossible) return undefined;
    if (query.isKeySent) {
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
    // The lists of a query may overlap, and rows move to other pages when some are deleted.
    const found = new Set<string>();
    let isProven = true;
    for (const byIdentity of [true, false]) {
      if (!byIdentity && (found.size > 0 || isProven)) return;
      for (const list of this.lists(query, { byIdentity })) {
        const seen = new Set<unknown>();
        for (let page = 1, pages = 1; page <= pages; page += 1) {
          const { rows, own } = await run(async (session) => {
            const read = await this.fetch(session, list, page, MAX_PAGE_SIZE);
            pages = read.pages;
            const own = matching(read.rows, query);
            if (byIdentity) this.recordProof(session, query, own);
            isProven = this.isProven(session);
            return { rows: read.rows, own };
          });
          // A broken upstream may repeat a page for ever.
          if (rows.every(({ id }) => seen.has(id))) break;
          for (const { id } of rows) seen.add(id);
          for (const connection of own) {
            if (found.has(connection.id)) continue;
            found.add(connection.id);
            yield connection;
          }
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
    this.recordProof(session, query, filtered);
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

  /** @param found what the filter `identity` of a query has found */
  private recordProof(
    { account }: Session,
    { isIdentitySent }: ConnectionQuery,
    found: readonly AuthKitConnection[],
  ): void {
    if (isIdentitySent && found.length > 0)
      this.provenAccounts.set(account, true, PROOF_TTL);
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

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Whether a call by id has failed because there is no such connection. */
function isGone(error: unknown): boolean {
  const { upstreamStatus } = error as AuthKitException;
  return upstreamStatus === 404 || upstreamStatus === 410;
}

/** Whether the service has refused an id because it is of another form than its own. */
function isRefusedId(error: unknown, id: string): boolean {
  const { upstreamStatus } = error as AuthKitException;
  return (upstreamStatus === 400 || upstreamStatus === 422) && !UUID.test(id);
}
