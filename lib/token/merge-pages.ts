import type { RawPage } from './raw-page.js';

/** The parts of a token, each as JSON. */
export interface TokenParts {
  /** The JSON of each member beside the rows, by its name. */
  readonly members: ReadonlyMap<string, string>;
  /** The rows of each page, without brackets. */
  readonly rows: readonly Buffer[];
}

/**
 * Merges all pages into one, as the official package does: every row in order,
 * the first page's `total`, and the last page's `requestId`, which is Pica's
 * record of the identity. A single page stays as it is.
 */
export function mergePages(pages: readonly RawPage[]): TokenParts {
  const rows = pages.map((page) => page.rows);
  const first = pages[0]!.members;
  if (pages.length === 1) return { members: first, rows };
  const last = pages[pages.length - 1]!.members;
  return { members: asOnePage(first, last), rows };
}

/** The members of all pages merged into one. */
export function asOnePage(
  first: RawPage['members'],
  last: RawPage['members'],
): Map<string, string> {
  const merged: [string, string | undefined][] = [
    ['page', '1'],
    ['pages', '1'],
    ['total', first.get('total')],
    ['requestId', last.get('requestId')],
    // Where the vendor has no flags, the pages carry it.
    ['isWhiteLabel', last.get('isWhiteLabel')],
  ];
  return new Map(
    merged.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

const HEAD = Buffer.from('{"rows":[');
const COMMA = Buffer.from(',');

/** Serializes a token, in chunks. The rows are neither copied nor serialized again. */
export function serializeToken({ members, rows }: TokenParts): Buffer[] {
  const chunks: Buffer[] = [HEAD];
  for (const page of rows) {
    if (page.length === 0) continue;
    if (chunks.length > 1) chunks.push(COMMA);
    chunks.push(page);
  }
  let tail = ']';
  for (const [name, json] of members)
    tail += `,${JSON.stringify(name)}:${json}`;
  chunks.push(Buffer.from(`${tail}}`));
  return chunks;
}

/** The length of a serialized token in bytes. */
export function totalLength(chunks: readonly Buffer[]): number {
  return chunks.reduce((total, { length }) => total + length, 0);
}
