/** The kinds of identity that Pica binds a connection to. */
export const IDENTITY_TYPES = [
  'user',
  'team',
  'organization',
  'project',
] as const;

/** One of `user`, `team`, `organization`, `project`. */
export type AuthKitIdentityType = (typeof IDENTITY_TYPES)[number];

/**
 * One integration that the widget offers, as Pica sends it. Only the fields
 * that matter to a backend are typed. Pica adds others; the widget decides by
 * the fields it finds, so all of them are passed on unchanged.
 */
export interface AuthKitIntegration {
  id: number | string;
  connectionDefId?: number | string;
  /** The platform's name in URLs and connection keys, e.g. `gmail`. */
  type?: string;
  /** The name that the widget shows, e.g. `Gmail`. */
  title: string;
  /** The URL of the logo. */
  image?: string;
  active?: boolean;
  environment?: string;
  tags?: string[];
  [field: string]: unknown;
}

/**
 * The response of the token endpoint, as the browser widget expects it. Send it
 * unchanged, with status 200.
 */
export interface AuthKitToken {
  /** The integrations that the user may connect. */
  rows: AuthKitIntegration[];
  /** The number of integrations on all pages. */
  total: number;
  /** The number of pages: 1 where all rows are in this response. */
  pages: number;
  /** The number of this page, from 1. */
  page: number;
  /** Pica's id of this request, bound to the identity: never share or cache it across identities. */
  requestId: number | string | null;
  /** Whether the account may hide Pica's branding in the widget. */
  isWhiteLabel?: boolean;
  [field: string]: unknown;
}

/**
 * A connection, as Pica lists it. The typed fields are those that the vendors
 * document. The service passes on all others unchanged.
 */
export interface AuthKitConnection {
  /** A UUID. */
  id: string;
  /** The Connection Key that calls through Pica need, e.g. `test::gmail::default::ada`. A new connection has a new key. */
  key: string;
  /** The platform, e.g. `gmail`. */
  platform: string;
  platformVersion?: string;
  /** `api`, `databasesql`, `databasenosql`, `filesystem`, `stream` or `custom`. Never the platform. */
  type?: string;
  /** The label of the connection, which the user or the app sets. */
  name?: string | null;
  /** `test` or `live`. */
  environment?: string;
  /** The id of the owner. */
  identity?: string | null;
  /** The kind of owner. A missing type is that of a user. */
  identityType?: AuthKitIdentityType | null;
  description?: string | null;
  /** The URL of the platform's logo. */
  image?: string;
  /** The platform's name for people, e.g. `Gmail`. */
  title?: string;
  connector?: string;
  /**
   * `operational`; `degraded`: refreshing the credentials has failed and will be
   * tried again; `failed`: the user has to connect again; or `unknown`.
   * `operational` is no proof: the platform may have revoked the credentials.
   */
  state?: 'operational' | 'degraded' | 'failed' | 'unknown' | (string & {});
  tags?: string[];
  version?: string;
  /** A connection that is `failed` is inactive. */
  active?: boolean;
  /** ISO 8601. Pica only. */
  createdAt?: string;
  [field: string]: unknown;
}

/** Name and tags of a connection. */
export interface AuthKitConnectionLabel {
  /** Up to 256 characters. */
  name?: string;
  /** Up to 32 strings of 1 to 128 characters. */
  tags?: readonly string[];
}

/** An action: one operation of a platform's API. */
export interface AuthKitAction {
  /** The id of the action, `conn_mod_def::…`. It survives changes of `key` and `title`. */
  systemId: string;
  title: string;
  /** The HTTP method. */
  method: string;
  /** The path, with `{{placeholders}}`. */
  path: string;
  tags: string[];
  key?: string;
}
