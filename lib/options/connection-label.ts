import type { AuthKitConnectionLabel } from '../authkit.types.js';

/** Whether a value is text of 1 to `maxLength` characters, without control characters and lone surrogates. */
export function isText(value: unknown, maxLength: number): value is string {
  return (
    typeof value === 'string' &&
    value.length >= 1 &&
    value.length <= maxLength &&
    !/[\p{Cc}\p{Cs}]/u.test(value)
  );
}

/** Whether a value can be the name of a connection. */
export function isConnectionName(value: unknown): value is string {
  return value === '' || isText(value, 256);
}

/** Whether a value can be the tags of a connection. */
export function areConnectionTags(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length <= 32 &&
    // A copy: every() skips the holes of a list.
    [...value].every((tag) => isText(tag, 128))
  );
}

/** Whether a value is name and tags of a connection, and nothing else. */
export function isConnectionLabel(
  value: unknown,
): value is AuthKitConnectionLabel {
  if (typeof value !== 'object' || value === null) return false;
  const { name, tags, ...others } = value as AuthKitConnectionLabel;
  return (
    Object.keys(others).length === 0 &&
    (name === undefined || isConnectionName(name)) &&
    (tags === undefined || areConnectionTags(tags))
  );
}
