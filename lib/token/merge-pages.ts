import type { RawPage } from './raw-page.js';

/** The parts of a token. */
export interface TokenParts {
  readonly fields: object;
  /** The rows of each page in JSON, without brackets. */
  readonly rows: readonly Buffer[];
}

/**
 * Merges all pages into one, as the official package does: every row in order,
 * the first page's `total`, and the last page's `requestId`, which is Pica's
 * record of the identity. A single page stays as it is.
 */
export function mergePages(pages: readonly RawPage[]): TokenParts {
  const rows = pages.map((page) => page.rows);
  const first = pages[0]!.fields;
  if (pages.length === 1) return { fields: first, rows };
  const last = pages[pages.length - 1]!.fields;
  return {
    fields: {
      page: 1,
      pages: 1,
      total: first.total,
      requestId: last.requestId,
      // Where the vendor has no flags, the pages carry it.
      ...('isWhiteLabel' in last && { isWhiteLabel: last.isWhiteLabel }),
    },
    rows,
  };
}

const HEAD = Buffer.from('{"rows":[');
const COMMA = Buffer.from(',');

/** Serializes a token to JSON in UTF-8. The rows are Pica's, byte for byte. */
export function serializeToken({ fields, rows }: TokenParts): Buffer {
  const parts: Buffer[] = [HEAD];
  for (const page of rows) {
    if (page.length === 0) continue;
    if (parts.length > 1) parts.push(COMMA);
    parts.push(page);
  }
  parts.push(Buffer.from(`],${JSON.stringify(fields).slice(1)}`));
  return Buffer.concat(parts);
}
