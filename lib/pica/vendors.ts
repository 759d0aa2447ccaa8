/** What differs between the services. A further vendor is one more entry of {@link VENDORS}. */
export interface VendorProfile {
  /** The name in messages. */
  readonly displayName: string;
  /** The root URL of the API, without a trailing slash. */
  readonly baseUrl: string;
  /** The header that carries the secret key. */
  readonly secretHeader: string;
  /** The headers that select the vendor's own tenant; `undefined` where it has none. */
  readonly scopeHeaders?: {
    readonly organizationId: string;
    readonly projectId: string;
  };
  /** The origin of the hosted widget: the page that calls the token route. */
  readonly widgetOrigin: string;
  /** The path of a page of integrations. */
  readonly tokenPath: string;
  /** The path of the account's flags; `undefined` where the page itself carries `isWhiteLabel`. */
  readonly flagsPath?: string;
  /** The path of a call that shows whether the service accepts the secret key. */
  readonly pingPath: string;
  /** The path of the list of connectors. */
  readonly connectorsPath: string;
  /** The path of the connections. */
  readonly connectionsPath: string;
  /** Whether the list of connections has the filter `active`, which then is `true` unless the request says otherwise. */
  readonly hasActiveFilter: boolean;
  /** Whether the documents agree that the filter `identity` means the identity of the token. If not, an empty list proves nothing until the filter has found something. */
  readonly hasClearIdentityFilter: boolean;
  /** What the vendor's widget expects: all rows at once, or the page that it requests. */
  readonly paging: 'all' | 'forward';
  /** The environment variable of the secret key. */
  readonly secretKeyEnv: string;
}

/** All vendors, the default first. */
export const VENDORS = {
  pica: {
    displayName: 'Pica',
    baseUrl: 'https://api.picaos.com',
    secretHeader: 'X-Pica-Secret',
    widgetOrigin: 'https://authkit.picaos.com',
    tokenPath: '/v1/authkit',
    flagsPath: '/v1/users/flags',
    pingPath: '/v1/users/flags',
    connectorsPath: '/v1/available-connectors',
    connectionsPath: '/v1/vault/connections',
    hasActiveFilter: true,
    hasClearIdentityFilter: true,
    paging: 'all',
    secretKeyEnv: 'PICA_SECRET_KEY',
  },
  // Pica's name since March 2026.
  one: {
    displayName: 'One',
    baseUrl: 'https://api.withone.ai',
    secretHeader: 'X-One-Secret',
    scopeHeaders: {
      organizationId: 'X-One-Organization-Id',
      projectId: 'X-One-Project-Id',
    },
    widgetOrigin: 'https://auth.withone.ai',
    tokenPath: '/v1/authkit/token',
    pingPath: '/v1/users/whoami',
    connectorsPath: '/v1/available-connectors',
    connectionsPath: '/v1/vault/connections',
    hasActiveFilter: false,
    hasClearIdentityFilter: false,
    paging: 'forward',
    secretKeyEnv: 'ONE_SECRET_KEY',
  },
} as const satisfies Record<string, VendorProfile>;

/** The service to call: Pica, or One, the name it took in March 2026. */
export type AuthKitVendor = keyof typeof VENDORS;

/** The maximum number of rows on a page. The service clamps a larger `limit` without a word. */
export const MAX_PAGE_SIZE = 150;
