import { map } from 'rxjs';
import type { AuthKitIntegration } from '../authkit.types.js';
import type { FetchForAccount } from '../cache/account-cache.js';
import type { ModuleOptions } from '../options/module.options.js';
import type { PicaClient } from '../pica/pica.client.js';
import {
  InvalidResponseError,
  isCount,
  isRecord,
  isSafeJson,
} from '../pica/responses.js';
import { MAX_PAGE_SIZE } from '../vendors/index.js';
import { fetchAllPages, type CountedPage } from './fetch-all-pages.js';
import type { AuthKitConnection } from '../authkit.types.js';

/** What the list of connectors says of an integration. */
export interface Connector {
  /** The `connectionDefId` of the integration. */
  readonly id: string;
  /** The platform of its connections, e.g. `gmail`. */
  readonly platform: string;
  /** What `selectedConnection` of the widget packages expects. */
  readonly name: string;
  readonly category?: string;
}

/** An integration for a page of the app's own. */
export interface AuthKitIntegrationListing extends AuthKitIntegration {
  /** The platform of its connections, e.g. `gmail`. Missing where the list of connectors does not know the integration. */
  platform?: string;
  /** The category, e.g. `CRM`. */
  category?: string;
  /** The name of the connector. `selectedConnection` of the widget packages expects it, or the `title`, which the packages themselves document. */
  name?: string;
  /** The owner's connections of this platform, with `connections: true`. Empty where the integration has no `platform`. */
  connections?: AuthKitConnection[];
}

/** The maximum number of connectors that are accepted. */
const MAX_CONNECTORS = 10_000;

interface ConnectorPage extends CountedPage {
  readonly connectors: readonly Connector[];
}

/** Fetches all connectors, page by page. */
export const fetchConnectors =
  (
    pica: PicaClient,
    path: string,
    options: Pick<ModuleOptions, 'concurrency' | 'maxPages'>,
  ): FetchForAccount<Connector[]> =>
  (context) =>
    fetchAllPages(
      (page) =>
        pica.request(
          {
            method: 'GET',
            path: `${path}?authkit=true&limit=${MAX_PAGE_SIZE}&page=${page}`,
            parse: parseConnectors,
          },
          context,
        ),
      options,
    ).pipe(map((pages) => pages.flatMap(({ connectors }) => connectors)));

/** @throws {InvalidResponseError | SyntaxError} where the body is no page of connectors */
function parseConnectors(body: Buffer): ConnectorPage {
  const page: unknown = JSON.parse(body.toString());
  if (!isRecord(page) || !isCount(page.pages) || !isSafeJson(page)) {
    throw new InvalidResponseError('not a page of connectors');
  }
  const { pages, total } = page as unknown as CountedPage['fields'];
  return {
    fields: { pages, total },
    connectors: assertConnectors(page.rows),
  };
}

/** @throws {InvalidResponseError} where a value is no list of connectors */
export function assertConnectors(value: unknown): Connector[] {
  if (!Array.isArray(value) || value.length > MAX_CONNECTORS) {
    throw new InvalidResponseError('not a list of connectors');
  }
  return value.map((row: unknown) => {
    const { id, platform, name, category } = (row ?? {}) as Connector;
    const isValid =
      (typeof id === 'string' || typeof id === 'number') &&
      typeof platform === 'string' &&
      typeof name === 'string';
    if (!isValid) throw new InvalidResponseError('not a connector');
    return {
      id: String(id),
      platform,
      name,
      ...(typeof category === 'string' && { category }),
    };
  });
}

/**
 * Joins integrations with connectors by `connectionDefId`, else by a title that
 * one connector alone has, and with the connections of their platform.
 */
export function joinIntegrations(
  rows: readonly AuthKitIntegration[],
  connectors: readonly Connector[],
  connections: readonly AuthKitConnection[] | undefined,
): AuthKitIntegrationListing[] {
  const byId = groupBy(connectors, ({ id }) => id);
  const byName = groupBy(connectors, ({ name }) => name.toLowerCase());
  const byPlatform = groupBy(connections ?? [], ({ platform }) => platform);
  return rows.map((row) => {
    const { connectionDefId, title } = row;
    const named =
      typeof title === 'string' ? byName.get(title.toLowerCase()) : undefined;
    const connector =
      byId.get(String(connectionDefId ?? ''))?.[0] ??
      (named?.length === 1 ? named[0] : undefined);
    return {
      ...row,
      ...(connector && {
        platform: connector.platform,
        name: connector.name,
        ...(connector.category && { category: connector.category }),
      }),
      ...(connections && {
        connections: [...(byPlatform.get(connector?.platform ?? '') ?? [])],
      }),
    };
  });
}

function groupBy<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
