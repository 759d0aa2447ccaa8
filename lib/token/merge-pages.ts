import type { TokenPage } from '../pica/parse-page.js';

/** The parts of a token, as JSON. */
export type TokenParts = Pick<TokenPage, 'fields'> & {
  /** The rows of each page, without brackets. */
  readonly rows: readonly Buffer[];
};

/**
 * Merges all pages into one, as the official package does: every row in order,
 * the first page's `total`, and the last page's `requestId`, which is Pica's
 * record of the identity. A single page stays as it is.
 */
export function mergePages(pages: readonly TokenPage[]): TokenParts {
  const rows = pages.map((page) => page.rows);
  const { fields: first } = pages[0]!;
  if (pages.length === 1) return { fields: first, rows };
  const { fields: last } = pages.at(-1)!;
  const merged: [string, string | undefined][] = [
    ['page', '1'],
    ['pages', '1'],
    ['total', first.get('total')],
    ['requestId', last.get('requestId')],
    // If the vendor has no flags, the pages carry it.
    ['isWhiteLabel', last.get('isWhiteLabel')],
  ];
  const known = merged.filter((entry): entry is [string, string] =>
    Boolean(entry[1]),
  );
  return { fields: new Map(known), rows };
}

const HEAD = Buffer.from('{"rows":[');
const COMMA = Buffer.from(',');

/** Serializes the parts of a token, in chunks. The rows are neither copied nor serialized again. */
export function serializeParts({ fields, rows }: TokenParts): Buffer[] {
  const chunks: Buffer[] = [HEAD];
  for (const page of rows) {
    if (page.length === 0) continue;
    if (chunks.length > 1) chunks.push(COMMA);
    chunks.push(page);
  }
  let tail = ']';
  for (const [name, json] of fields) tail += `,${JSON.stringify(name)}:${json}`;
  chunks.push(Buffer.from(`${tail}}`));
  return chunks;
}
