/** What differs between the services. Each vendor is one file beside this one, and its entry in `vendors/index`. */
export interface Vendor {
  /** The name in messages. */
  readonly displayName: string;
  /** The root URL of the API, without a trailing slash. */
  readonly baseUrl: string;
  /** The environment variable of the secret key. */
  readonly secretKeyEnv: string;
  /** The header that carries the secret key. */
  readonly secretHeader: string;
  /** The headers that select the vendor's own tenant; `undefined` if it has none. */
  readonly scopeHeaders?: {
    readonly organizationId: string;
    readonly projectId: string;
  };
  /** The origin of the hosted widget: the page that calls the token route. */
  readonly widgetOrigin: string;
  /** What the vendor's widget expects: all rows at once, or the page that it requests. */
  readonly paging: 'all' | 'forward';
  /** The path of a page of integrations. */
  readonly tokenPath: string;
  /** The path of the account's flags; `undefined` if the page itself carries `isWhiteLabel`. */
  readonly flagsPath?: string;
  /** The path of the user, organization and project of a secret key; `undefined` if there is none. */
  readonly whoamiPath?: string;
  /** The path of a cheap call that shows whether the service accepts the secret key. */
  readonly pingPath: string;
  /** The path of the list of connectors. */
  readonly connectorsPath: string;
  /** The path of the connections. */
  readonly connectionsPath: string;
  /** Whether the list of connections has the filter `active`, which is `true` unless the request says otherwise. */
  readonly hasActiveFilter: boolean;
  /** The path of the platforms' actions: `<path>/<platform>`. */
  readonly actionsPath: string;
  /** The path below which calls reach the platforms' own APIs. */
  readonly passthroughPath: string;
  /** The header of a call to a platform that selects the connection. */
  readonly connectionKeyHeader: string;
  /** The header of a call to a platform that names the action. */
  readonly actionIdHeader: string;
}
