import type { AuthKitToken } from '../authkit.types.js';
import type { TokenPage } from '../pica/parse-page.js';

/** What a token was made of, as long as nothing has read its rows. */
interface Parts {
  /** The rows of each page as JSON, without brackets. */
  readonly rows: readonly Buffer[];
  /** All other fields as JSON, with the closing brace. */
  readonly tail: string;
  /** The same fields, parsed. */
  readonly fields: ReadonlyMap<string, unknown>;
}

const partsOf = new WeakMap<object, Parts>();

/**
 * Merges all pages into one token, as the official package does: every row in
 * order, the first page's `total`, and the last page's `requestId`, which is
 * Pica's record of the identity. A single page stays as it is.
 *
 * The rows are parsed when they are read. Most tokens are sent as they are, and
 * parsing and serializing the rows is most of what they would cost.
 *
 * @param isWhiteLabel `undefined` if the pages carry it
 */
export function mergePages(
  pages: readonly TokenPage[],
  isWhiteLabel?: boolean,
): AuthKitToken {
  const first = pages[0]!.fields;
  const last = pages.at(-1)!.fields;
  const fields = new Map(first);
  if (pages.length > 1) {
    fields.clear();
    fields.set('page', '1').set('pages', '1');
    for (const name of ['total', 'requestId', 'isWhiteLabel']) {
      const json = (name === 'total' ? first : last).get(name);
      if (json !== undefined) fields.set(name, json);
    }
  }
  if (isWhiteLabel !== undefined) {
    fields.set('isWhiteLabel', String(isWhiteLabel));
  }

  const rows = pages.map((page) => page.rows);
  const token: Record<string, unknown> = {};
  const setRows = (value: unknown) => {
    partsOf.delete(token);
    const property = { value, enumerable: true, writable: true };
    Object.defineProperty(token, 'rows', { ...property, configurable: true });
    return value;
  };
  Object.defineProperty(token, 'rows', {
    get: () => setRows(rows.flatMap((page) => JSON.parse(`[${page}]`))),
    set: setRows,
    enumerable: true,
    configurable: true,
  });
  let tail = ']';
  const parsed = new Map<string, unknown>();
  for (const [name, json] of fields) {
    const value: unknown = JSON.parse(json);
    token[name] = value;
    parsed.set(name, value);
    tail += `,${JSON.stringify(name)}:${json}`;
  }
  partsOf.set(token, { rows, tail: `${tail}}`, fields: parsed });
  return token as AuthKitToken;
}

const HEAD = Buffer.from('{"rows":[');
const COMMA = Buffer.from(',');

/**
 * Serializes a token, in chunks. The rows of a token that nobody has changed are
 * Pica's, byte for byte; other tokens may have the same chunks, so nothing
 * changes them.
 */
export function serializeToken(token: AuthKitToken): Buffer[] {
  const parts = partsOf.get(token);
  let isChanged = Object.keys(token).length - 1 !== parts?.fields.size;
  for (const [name, value] of parts?.fields ?? []) {
    // An object may have been changed inside.
    const isObject = typeof value === 'object' && value !== null;
    if (token[name] !== value || isObject) isChanged = true;
  }
  if (!parts || isChanged) return [Buffer.from(JSON.stringify(token))];
  const chunks: Buffer[] = [HEAD];
  for (const page of parts.rows) {
    if (page.length === 0) continue;
    if (chunks.length > 1) chunks.push(COMMA);
    chunks.push(page);
  }
  chunks.push(Buffer.from(parts.tail));
  return chunks;
}
