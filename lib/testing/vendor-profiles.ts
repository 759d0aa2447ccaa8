import type { AuthKitVendor } from '../vendors/index.js';

/**
 * All that differs between the emulated services: a third one is one entry.
 * It repeats what the client knows, on purpose: a mistake there has to fail the tests.
 */
export interface VendorProfile {
  readonly displayName: string;
  /** The header with the secret key. All header names are in lower case. */
  readonly secretHeader: string;
  readonly connectionKeyHeader: string;
  readonly actionIdHeader: string;
  /** The headers that select an organization and a project; missing if the vendor has none. */
  readonly tenantHeaders?: {
    readonly organizationId: string;
    readonly projectId: string;
  };
  /** The path of a page of integrations. */
  readonly tokenPath: string;
  /** The path of the account's flags; missing if a token has `isWhiteLabel`. */
  readonly flagsPath?: string;
  readonly whoamiPath?: string;
  /** The filters of the list of connections. */
  readonly connectionFilters: readonly ConnectionFilter[];
  /** Whether the rows of connections have `createdAt`. */
  readonly hasDates: boolean;
  /** Whether the body of a PATCH is the row, or empty. */
  readonly patchReturnsRow: boolean;
  readonly widget: WidgetProfile;
  /** The environment variable of the secret key. */
  readonly secretVariable: string;
}

/** What the widget's pages have to know. */
export interface WidgetProfile {
  readonly displayName: string;
  /** The package that opens the widget, and its function. */
  readonly package: string;
  readonly opener: string;
  /** Whether it fetches the integrations page by page. */
  readonly fetchesPages: boolean;
  /** Whether users consent on the platform's own page, outside of the frame. */
  readonly leavesFrame: boolean;
}

/** All filters of the lists of connections. */
export const CONNECTION_FILTERS = [
  'identity',
  'identityType',
  'platform',
  'key',
  'tags',
  'name',
  'platformVersion',
  'active',
] as const;

export type ConnectionFilter = (typeof CONNECTION_FILTERS)[number];

export const VENDOR_PROFILES: Readonly<Record<AuthKitVendor, VendorProfile>> = {
  pica: {
    displayName: 'Pica',
    secretHeader: 'x-pica-secret',
    connectionKeyHeader: 'x-pica-connection-key',
    actionIdHeader: 'x-pica-action-id',
    tokenPath: '/v1/authkit',
    flagsPath: '/v1/users/flags',
    connectionFilters: CONNECTION_FILTERS,
    hasDates: true,
    patchReturnsRow: true,
    widget: {
      displayName: 'Pica',
      package: '@picahq/authkit',
      opener: 'useAuthKit',
      fetchesPages: false,
      leavesFrame: false,
    },
    secretVariable: 'PICA_SECRET_KEY',
  },
  one: {
    displayName: 'One',
    secretHeader: 'x-one-secret',
    connectionKeyHeader: 'x-one-connection-key',
    actionIdHeader: 'x-one-action-id',
    tenantHeaders: {
      organizationId: 'x-one-organization-id',
      projectId: 'x-one-project-id',
    },
    tokenPath: '/v1/authkit/token',
    whoamiPath: '/v1/users/whoami',
    connectionFilters: CONNECTION_FILTERS.slice(0, 5),
    hasDates: false,
    patchReturnsRow: false,
    widget: {
      displayName: 'One',
      package: '@withone/auth',
      opener: 'useOneAuth',
      fetchesPages: true,
      leavesFrame: true,
    },
    secretVariable: 'ONE_SECRET_KEY',
  },
};
