import type { AuthKitIdentityType } from '../authkit.types.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import {
  InvalidResponseError,
  isCount,
  isCountOrAbsent,
  isRecord,
  isSafeJson,
} from '../pica/responses.js';

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

/** The fields that the vendors document: what the routes send to a browser. */
const DOCUMENTED_FIELDS = [
  'id',
  'key',
  'platform',
  'platformVersion',
  'type',
  'name',
  'environment',
  'identity',
  'identityType',
  'description',
  'image',
  'title',
  'connector',
  'state',
  'tags',
  'version',
  'active',
  'createdAt',
] as const satisfies (keyof AuthKitConnection)[];

/** Returns a connection with its documented fields alone. */
export function pickDocumentedFields(
  connection: AuthKitConnection,
): AuthKitConnection {
  return Object.fromEntries(
    DOCUMENTED_FIELDS.filter((field) => Object.hasOwn(connection, field)).map(
      (field) => [field, connection[field]],
    ),
  ) as AuthKitConnection;
}

/** Whether the user has to connect again before the connection can be used: it has failed, or is inactive. */
export function needsReconnect({
  state,
  active,
}: Pick<AuthKitConnection, 'state' | 'active'>): boolean {
  return state === 'failed' || active === false;
}

/** A row of unknown fields, whoever owns it. */
export type ConnectionRow = Record<string, unknown>;

/** A page of connections, whoever owns them. */
export interface ConnectionRows {
  readonly rows: readonly ConnectionRow[];
  readonly total: number | undefined;
  readonly pages: number;
}

/** The maximum number of rows on a page. The service sends 150 at most. */
const MAX_ROWS = 1_000;

/** What an id may look like. Anything else names no connection. */
const ID = /^(?!\.+$)[\w:.-]{1,128}$/;

/** Whether a string can be the id of a connection. */
export function isConnectionId(id: string): boolean {
  return ID.test(id);
}

/**
 * Whether a row belongs to an owner: `identity` is equal, and `identityType`,
 * where a missing type counts as `user`. A row without `identity` has no owner.
 */
export function belongsTo(
  row: ConnectionRow,
  owner: AuthKitIdentity,
): row is AuthKitConnection {
  return (
    row.identity === owner.identity &&
    (row.identityType ?? 'user') === (owner.identityType ?? 'user')
  );
}

/**
 * Whether a row of an owner is a connection.
 *
 * @param requested the id that was requested
 */
export function isConnection(
  row: ConnectionRow,
  requested?: string,
): row is AuthKitConnection {
  const { id, key, platform } = row;
  return (
    typeof id === 'string' &&
    isConnectionId(id) &&
    typeof key === 'string' &&
    typeof platform === 'string' &&
    (requested ?? id).toLowerCase() === id.toLowerCase()
  );
}

/**
 * Checks a row of an owner.
 *
 * @param requested the id that was requested
 * @throws {InvalidResponseError} where it is no connection, or another one
 */
export function assertConnection(
  row: ConnectionRow,
  requested?: string,
): AuthKitConnection {
  if (isConnection(row, requested)) return row;
  throw new InvalidResponseError('not a connection');
}

/** @throws {InvalidResponseError | SyntaxError} where the body is no page of rows */
export function parseConnectionRows(body: Buffer): ConnectionRows {
  const page: unknown = JSON.parse(body.toString());
  if (
    !isRecord(page) ||
    !Array.isArray(page.rows) ||
    page.rows.length > MAX_ROWS ||
    !page.rows.every(isRecord) ||
    !isCountOrAbsent(page.total) ||
    !isCount(page.pages) ||
    !isSafeJson(page)
  ) {
    throw new InvalidResponseError('not a page of connections');
  }
  return {
    rows: page.rows,
    total: (page.total as number | null) ?? undefined,
    pages: page.pages,
  };
}

/** @throws {InvalidResponseError | SyntaxError} where the body is no row */
export function parseConnectionRow(body: Buffer): ConnectionRow {
  const row: unknown = JSON.parse(body.toString());
  if (!isRecord(row) || !isSafeJson(row)) {
    throw new InvalidResponseError('not a connection');
  }
  return row;
}
