import type { AuthKitToken } from '../authkit.types.js';
import { serializeParts, type TokenParts } from './merge-pages.js';

/** What a token was made of, as long as nothing has read its rows. */
const partsOf = new WeakMap<object, TokenParts>();

/**
 * Makes a token whose rows are parsed when they are read. Most tokens are sent
 * as they are: parsing and serializing the rows is most of what they would cost.
 */
export function createLazyToken(parts: TokenParts): AuthKitToken {
  const token: Record<string, unknown> = {};
  const setRows = (value: unknown) => {
    partsOf.delete(token);
    Object.defineProperty(token, 'rows', {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    return value;
  };
  Object.defineProperty(token, 'rows', {
    get: () => setRows(parts.rows.flatMap((page) => parseList(page))),
    set: setRows,
    enumerable: true,
    configurable: true,
  });
  for (const [name, json] of parts.fields) token[name] = JSON.parse(json);
  partsOf.set(token, parts);
  return token as AuthKitToken;
}

/**
 * Serializes a token, in chunks. The rows of a token that nobody has changed are
 * Pica's, byte for byte; other tokens may have the same chunks, so nothing changes them.
 */
export function serializeToken(token: AuthKitToken): Buffer[] {
  const parts = partsOf.get(token);
  return parts && hasSameFields(token, parts)
    ? serializeParts(parts)
    : [Buffer.from(JSON.stringify(token))];
}

function hasSameFields(token: AuthKitToken, { fields }: TokenParts): boolean {
  const names = Object.keys(token);
  return (
    names.length === fields.size + 1 &&
    names.every(
      (name) =>
        name === 'rows' || token[name] === parseScalar(fields.get(name)),
    )
  );
}

/** `undefined` for an object, which the app may have changed. */
function parseScalar(json: string | undefined): unknown {
  const value: unknown = json === undefined ? undefined : JSON.parse(json);
  return typeof value === 'object' && value !== null ? undefined : value;
}

function parseList(rows: Buffer): AuthKitToken['rows'] {
  return JSON.parse(`[${rows.toString()}]`);
}
