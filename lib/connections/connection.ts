import type {
  AuthKitConnection,
  AuthKitConnectionLabel,
  AuthKitIdentityType,
} from '../authkit.types.js';
import {
  parseIdentity,
  type AuthKitIdentity,
} from '../identity/authkit-identity.js';
import type { ConnectionRow } from '../pica/pica-api.js';

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

/** Whether a connection can take the place of another one. */
export function isOperational(connection: AuthKitConnection): boolean {
  const { state = 'operational' } = connection;
  return state === 'operational' && !needsReconnect(connection);
}

/** The tenants of connections that were read for one. */
const tenants = new WeakMap<object, string>();

/** Remembers for which tenant a connection was read. */
export function setTenant(
  connection: AuthKitConnection,
  tenant: string | undefined,
): void {
  if (tenant !== undefined) tenants.set(connection, tenant);
}

/**
 * Returns the owner of a connection of `scan()`, to be passed to the services:
 * with the `tenant` of the scan, so that they use the same secret key.
 *
 * @returns `undefined` if the connection has no owner, or one that cannot be an identity
 *
 * @publicApi
 */
export function ownerOf(
  connection: AuthKitConnection,
): AuthKitIdentity | undefined {
  const { identity, identityType } = connection;
  try {
    return parseIdentity({
      identity,
      identityType: (identityType ?? 'user') satisfies AuthKitIdentityType,
      tenant: tenants.get(connection),
    });
  } catch {
    return undefined;
  }
}

/** What an id may look like. Anything else names no connection. */
const ID = /^(?!\.+$)[\w:.-]{1,128}$/;

/** Whether a value can be the id of a connection. */
export function isConnectionId(id: unknown): id is string {
  return typeof id === 'string' && ID.test(id);
}

/**
 * Whether a row belongs to an owner: `identity` is equal, and `identityType`,
 * where a missing type counts as `user`. A row without `identity` has no owner.
 */
export function belongsTo(row: ConnectionRow, owner: AuthKitIdentity): boolean {
  return (
    row.identity === owner.identity &&
    (row.identityType ?? 'user') === (owner.identityType ?? 'user')
  );
}

/** Whether a row has what every connection has. */
export function isConnection(row: ConnectionRow): row is AuthKitConnection {
  const { id, key, platform } = row;
  return (
    isConnectionId(id) &&
    typeof key === 'string' &&
    typeof platform === 'string'
  );
}

/** Whether a row is the connection that was requested by its id, and belongs to an owner. */
export function isOwn(
  row: ConnectionRow,
  owner: AuthKitIdentity,
  requested: string,
): row is AuthKitConnection {
  return (
    belongsTo(row, owner) &&
    isConnection(row) &&
    row.id.toLowerCase() === requested.toLowerCase()
  );
}

/** How old a connection may be that a page has just made, in ms: an hour. */
const MAX_NEW_AGE_MS = 3_600_000;

/**
 * Whether a connection is one that the user has made to replace another, as far
 * as rows tell. The page learns its key from a message that any frame can forge,
 * and a forged one can name an older connection. So the new one must work, and
 * be the newer one, created within the last hour. If rows have no dates, the old
 * one must need reconnecting.
 *
 * @param isLost whether a call has found the old one lost
 */
export function isReconnection(
  old: AuthKitConnection,
  replacement: AuthKitConnection,
  isLost: boolean,
): boolean {
  if (old.id === replacement.id || old.platform !== replacement.platform) {
    return false;
  }
  if (!isOperational(replacement)) return false;
  const before = Date.parse(String(old.createdAt));
  const created = Date.parse(String(replacement.createdAt));
  if (Number.isNaN(before) || Number.isNaN(created)) {
    return needsReconnect(old) || isLost;
  }
  return created >= before && created >= Date.now() - MAX_NEW_AGE_MS;
}

/** The name and the tags of a connection, to be copied to another; `undefined` if it has neither. */
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
