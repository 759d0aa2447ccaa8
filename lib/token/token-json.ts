/** A token that is not put together yet. */
export interface TokenParts {
  readonly fields: object;
  /** The rows of each page, in JSON and without brackets. */
  readonly rows: readonly Buffer[];
}

const HEAD = Buffer.from('{"rows":[');
const COMMA = Buffer.from(',');

/** A token in JSON (UTF-8), its rows byte for byte as Pica has written them. */
export function tokenJson({ fields, rows }: TokenParts): Buffer {
  const parts: Buffer[] = [HEAD];
  for (const page of rows) {
    if (page.length === 0) continue;
    if (parts.length > 1) parts.push(COMMA);
    parts.push(page);
  }
  parts.push(Buffer.from(`],${JSON.stringify(fields).slice(1)}`));
  return Buffer.concat(parts);
}
