import type { AuthKitConnection } from '../authkit.types.js';
import type { Session, Task } from '../core/request-runner.js';
import { LIMITS } from '../options/limits.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { fetchPages, tooManyPages } from '../pica/fetch-pages.js';
import { InvalidResponseError } from '../pica/json-checks.js';
import type { ConnectionRow, PicaApi } from '../pica/pica-api.js';
import { VENDORS } from '../vendors/index.js';
import { createWarnOnce } from '../warn-once.js';
import { isConnection, setTenant } from './connection.js';
import { ConnectionQuery, isSendable } from './connection-filter.js';

/** The maximum number of pages of one list: 1.5 million connections. */
const MAX_PAGES = 10_000;

/** How often a list is read again because connections were deleted meanwhile, which moves others to earlier pages. */
const MAX_PASSES = 10;

/** Runs one step of a longer operation as a request of its own. */
export type Run = <T>(task: Task<T>) => Promise<T>;

/** Reads lists of connections. What it returns has been compared with the query, whatever the request asked for. */
export class ConnectionReader {
  private readonly hasActiveFilter: boolean;
  private readonly warnOnce = createWarnOnce();

  constructor(
    private readonly api: PicaApi,
    private readonly options: ResolvedOptions,
  ) {
    this.hasActiveFilter = VENDORS[options.vendor].hasActiveFilter;
  }

  /** Reads all connections that a query matches, with pages in parallel. */
  async readAll(
    session: Session,
    query: ConnectionQuery,
  ): Promise<AuthKitConnection[]> {
    if (query.isImpossible) return [];
    this.warnOfComma(query);
    const { concurrency } = this.options[LIMITS];
    const lists = await Promise.all(
      query.lists(this.hasActiveFilter).map((list) =>
        fetchPages(
          async (page) => {
            const read = await this.api.listConnections(session, list, page);
            return { ...read, rows: matching(read.rows, query) };
          },
          { concurrency, maxPages: MAX_PAGES },
        ),
      ),
    );
    return unique(lists.flat().flatMap(({ rows }) => rows));
  }

  /** Finds the connection of a key that a query matches. */
  async find(
    session: Session,
    key: string,
    query: ConnectionQuery,
  ): Promise<AuthKitConnection | undefined> {
    if (query.isImpossible) return undefined;
    if (isSendable(key)) {
      // By the key alone: it is unique.
      const lists = new ConnectionQuery(undefined, { key }).lists(
        this.hasActiveFilter,
      );
      const pages = await Promise.all(
        lists.map((list) => this.api.listConnections(session, list, 1)),
      );
      const rows = pages.flatMap((page) => page.rows);
      const [own] = matching(rows, query);
      if (own || rows.every((row) => row.key === key)) return own;
    }
    const [own] = await this.readAll(session, query);
    return own;
  }

  /**
   * Reads the pages of a query one after the other. Only the number of pages
   * ends it, not an empty page. Each connection comes once.
   *
   * @param run makes the call for one page
   */
  async *walk(
    query: ConnectionQuery,
    run: Run,
  ): AsyncGenerator<AuthKitConnection, void, undefined> {
    if (query.isImpossible) return;
    this.warnOfComma(query);
    const found = new Set<string>();
    for (const list of query.lists(this.hasActiveFilter)) {
      for (let pass = 1, isShorter = true; isShorter; pass += 1) {
        isShorter = false;
        let total: number | undefined;
        for (let page = 1, pages = 1; page <= pages; page += 1) {
          const read = await run(async (session) => {
            const { rows, ...counts } = await this.api.listConnections(
              session,
              list,
              page,
            );
            const own = matching(rows, query);
            return { ...counts, own, tenant: session.identity?.tenant };
          });
          pages = read.pages;
          if (pages > MAX_PAGES) throw tooManyPages(pages, MAX_PAGES);
          total ??= read.total ?? 0;
          isShorter ||= (read.total ?? total) < total && pass < MAX_PASSES;
          for (const connection of read.own) {
            if (found.has(connection.id)) continue;
            found.add(connection.id);
            setTenant(connection, read.tenant);
            yield connection;
          }
        }
      }
    }
  }

  private warnOfComma({ hasComma }: ConnectionQuery): void {
    if (!hasComma) return;
    this.warnOnce(
      'comma',
      'An identity or a key of a connection contains a comma, which the filter of the API takes for a list. ' +
        'It is not sent as a filter: connections of other users are read, and left out. Use ids without commas. (Logged once.)',
    );
  }
}

/**
 * The connections among rows that a query matches.
 *
 * @throws {InvalidResponseError} if a row of the owner is no connection
 */
function matching(
  rows: readonly ConnectionRow[],
  query: ConnectionQuery,
): AuthKitConnection[] {
  return rows.filter((row): row is AuthKitConnection => {
    if (!query.matches(row)) return false;
    if (isConnection(row)) return true;
    if (query.owner === undefined) return false;
    throw new InvalidResponseError('not a connection');
  });
}

/** Lists may overlap. */
function unique(connections: readonly AuthKitConnection[]) {
  return [...new Map(connections.map((each) => [each.id, each])).values()];
}
