import type { AuthKitToken } from '../authkit.types.js';
import {
  InvalidResponseError,
  isCount,
  isCountOrAbsent,
  isRecord,
  isSafeJson,
} from '../pica/responses.js';

/** Everything on a page beside its rows, unknown fields included. */
export type PageFields = Pick<
  AuthKitToken,
  'total' | 'pages' | 'page' | 'requestId' | 'isWhiteLabel'
> & { [field: string]: unknown };

/** A validated page of integrations whose rows are the text that Pica sent. */
export interface RawPage {
  readonly fields: PageFields;
  /** The rows in JSON, separated by commas, without brackets. */
  readonly rows: Buffer;
}

/** The maximum number of rows on a page. The service sends 150 at most. */
const MAX_ROWS = 1_000;

/** The beginning of a page, as the service writes it. */
const HEAD = '{"rows":[';
const CLOSING_BRACKET = ']'.charCodeAt(0);

/**
 * Parses and validates a page of integrations. Unknown fields stay as they are.
 *
 * @throws {InvalidResponseError} where it is no page of integrations
 * @throws {SyntaxError} where it is not JSON; the message quotes the text
 */
export function parsePage(body: Buffer): RawPage {
  const split = splitPage(body);
  const page: unknown = split?.rest ?? JSON.parse(body.toString());
  if (
    !isRecord(page) ||
    !Array.isArray(page.rows) ||
    !isCount(page.pages) ||
    !isCountOrAbsent(page.total) ||
    !isCountOrAbsent(page.page) ||
    !isSafeJson(page)
  ) {
    throw new InvalidResponseError('not a page of integrations');
  }
  const { rows: inner, ...fields } = page;
  const rows = split?.rows ?? inner;
  if (rows.length > MAX_ROWS || !rows.every(isRecord) || !isSafeJson(rows)) {
    throw new InvalidResponseError('not rows of integrations');
  }
  return {
    fields: fields as PageFields,
    rows: split?.rowsJson ?? Buffer.from(JSON.stringify(rows).slice(1, -1)),
  };
}

/**
 * Parses a page without losing the text of its rows. The token copies that text
 * byte for byte: nothing is serialised again, which keeps a token cheap.
 *
 * It assumes that the list begins the text and that no other list follows. Both
 * parts are parsed to prove it: the inside of the list, and the text without it.
 *
 * @returns `rest` with an empty list for `rows`; `undefined` for text of another form, JSON or not
 */
function splitPage(body: Buffer) {
  const end = body.lastIndexOf(CLOSING_BRACKET);
  if (end < HEAD.length || body.toString('latin1', 0, HEAD.length) !== HEAD) {
    return undefined;
  }
  try {
    const rest: unknown = JSON.parse(HEAD + body.toString('utf8', end));
    const rows = JSON.parse(body.toString('utf8', HEAD.length - 1, end + 1));
    const start = rows.length > 0 ? HEAD.length : end;
    return { rest, rows, rowsJson: body.subarray(start, end) };
  } catch {
    return undefined;
  }
}
