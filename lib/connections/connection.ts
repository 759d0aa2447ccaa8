import { AuthKitException } from '../authkit.exception.js';
import type {
  AuthKitConnection,
  AuthKitConnectionLabel,
} from '../authkit.types.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import {
  InvalidResponseError,
  isCount,
  isCountOrAbsent,
  isRecord,
  isSafeJson,
} from '../pica/responses.js';

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

/**
 * Checks that one connection can replace another of the same owner.
 *
 * @throws {AuthKitException} `invalid_argument` where they are the same, or of different platforms
 */
export function assertReplacement(
  old: AuthKitConnection,
  replacement: AuthKitConnection,
): void {
  if (replacement.id === old.id) {
    throw new AuthKitException('invalid_argument', {
      message: 'A connection cannot replace itself.',
    });
  }
  if (replacement.platform !== old.platform) {
    throw new AuthKitException('invalid_argument', {
      message: 'A connection can replace only one of the same platform.',
    });
  }
}

/** How old a connection may be that a page has just made, in ms: an hour. */
const MAX_NEW_AGE_MS = 3_600_000;

/**
 * Whether a connection is one that the user has made to replace another, as far
 * as rows tell. The page learns its key from a message that any frame can
 * forge, and a forged one can name an older connection. So the replacement must
 * work, and either the old one does not, or the replacement is the newer one
 * and was created within the last hour.
 */
export function isReconnection(
  old: AuthKitConnection,
  replacement: AuthKitConnection,
): boolean {
  if (needsReconnect(replacement)) return false;
  if (needsReconnect(old)) return true;
  // One of the vendors tells no dates. Comparisons with NaN are false.
  const [before, created] = [old, replacement].map(({ createdAt }) =>
    Date.parse(String(createdAt)),
  ) as [number, number];
  return created >= before && created >= Date.now() - MAX_NEW_AGE_MS;
}

/** The name and the tags of a connection, to be copied to another; `undefined` where it has neither. */
export function labelOf({
  name,
  tags,
}: AuthKitConnection): AuthKitConnectionLabel | undefined {
  const label = {
    ...(typeof name === 'string' && { name }),
    ...(Array.isArray(tags) && tags.length > 0 && { tags }),
  };
  return Object.keys(label).length > 0 ? label : undefined;
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
