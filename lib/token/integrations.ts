import { AuthKitException } from '../authkit.exception.js';
import type {
  AuthKitConnection,
  AuthKitIntegration,
} from '../authkit.types.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import type { IntegrationFilter } from '../options/module.options.js';
import type { TokenPage } from '../pica/parse-page.js';
import type { Connector } from '../pica/pica-api.js';

/** An integration for a page of the app's own. */
export interface AuthKitIntegrationListing extends AuthKitIntegration {
  /** The platform of its connections, e.g. `gmail`. Missing if the list of connectors does not have the integration. */
  platform?: string;
  /** The category, e.g. `CRM`. */
  category?: string;
  /** The name of the connector. `selectedConnection` of the widget packages expects it, or the `title`, which the packages themselves document. */
  name?: string;
  /** With `all: true`: whether the identity is offered the integration. */
  offered?: boolean;
  /** With `connections: true`: the owner's connections of this platform. Empty if the integration has no `platform`. */
  connections?: AuthKitConnection[];
}

/** Parses the rows of a page into objects that belong to the caller. */
export function parseRows({ rows }: TokenPage): AuthKitIntegration[] {
  return JSON.parse(`[${rows.toString()}]`);
}

/**
 * Removes from pages the integrations that the option `allowIntegration` refuses.
 *
 * @param keepsCounts whether `total` and `pages` stay those of Pica, so that the widget goes on to the next page
 * @throws {AuthKitException} as {@link isOffered}
 */
export function filterPages(
  pages: readonly TokenPage[],
  allow: IntegrationFilter,
  identity: AuthKitIdentity | undefined,
  keepsCounts: boolean,
): TokenPage[] {
  let total = 0;
  const filtered = pages.map((page) => {
    const rows = parseRows(page).filter((row) =>
      isOffered(row, allow, identity),
    );
    total += rows.length;
    const text = JSON.stringify(rows).slice(1, -1);
    return { ...page, rows: Buffer.from(text) };
  });
  if (keepsCounts) return filtered;
  return filtered.map((page) => {
    const fields = new Map(page.fields);
    fields.set('total', String(total)).set('pages', '1');
    return { ...page, fields };
  });
}

/** @throws {AuthKitException} `unavailable` if the function throws, or returns neither `true` nor `false`: an error must not offer more */
export function isOffered(
  row: AuthKitIntegration,
  allow: IntegrationFilter,
  identity: AuthKitIdentity | undefined,
): boolean {
  let isOffered: unknown;
  try {
    isOffered = allow(deepFreeze(row), identity);
  } catch {
    throw refuse('threw an error');
  }
  if (typeof isOffered === 'boolean') return isOffered;
  // A promise that rejects later would end the process.
  void Promise.resolve(isOffered).catch(() => {});
  throw refuse('returned neither true nor false');
}

function refuse(what: string): AuthKitException {
  return new AuthKitException('unavailable', {
    cause: new Error(`the allowIntegration function ${what}`),
  });
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

/**
 * Adds to integrations what the list of connectors says of them, found by
 * `connectionDefId`, else by a title that one connector alone has.
 */
export function joinConnectors(
  rows: readonly AuthKitIntegration[],
  connectors: readonly Connector[],
): AuthKitIntegrationListing[] {
  const byId = new Map(connectors.map((each) => [each.id, each]));
  const byName = new Map<string, Connector | undefined>();
  for (const connector of connectors) {
    const name = connector.name.toLowerCase();
    byName.set(name, byName.has(name) ? undefined : connector);
  }
  return rows.map((row) => {
    const connector =
      byId.get(String(row.connectionDefId ?? '')) ??
      (typeof row.title === 'string'
        ? byName.get(row.title.toLowerCase())
        : undefined);
    if (!connector) return { ...row };
    const { platform, name, category } = connector;
    return { ...row, platform, name, ...(category && { category }) };
  });
}

/** Adds to integrations the connections of their platform. */
export function joinConnections(
  listings: readonly AuthKitIntegrationListing[],
  connections: readonly AuthKitConnection[],
): AuthKitIntegrationListing[] {
  return listings.map((listing) => ({
    ...listing,
    connections: connections.filter(
      ({ platform }) => platform === listing.platform,
    ),
  }));
}
