import { BoundedMap } from '../bounded-map.js';
import type { CountedPage } from './fetch-pages.js';
import {
  InvalidResponseError,
  isCount,
  isCountOrAbsent,
  isRecord,
  isSafeJson,
} from './json-checks.js';

/** A validated page of integrations. */
export interface TokenPage extends CountedPage {
  /** The rows as JSON, separated by commas, without brackets: as Pica sent them, in the usual layout. */
  readonly rows: Buffer;
  /** All fields except `rows` as raw JSON text, by name, including unknown ones. */
  readonly fields: ReadonlyMap<string, string>;
}

/** The maximum number of rows on a page. The service sends 150 at most. */
const MAX_ROWS = 1_000;

/** The beginning of a page in the usual layout. */
const HEAD = '{"rows":[';

/** The maximum size of all known rows in bytes. */
const MAX_KNOWN_BYTES = 8 * 1024 * 1024;
/** The minimum size of known rows in bytes. Fewer cost less to parse than to keep. */
const MIN_KNOWN_BYTES = 4 * 1024;

/**
 * Remembers rows that are valid. Pica sends the same rows for one token after
 * another, and parsing them is most of what a token costs. Whether a text is
 * valid depends on its bytes alone, so tokens of all accounts share this.
 */
export class KnownRows {
  /** By length in bytes. */
  private readonly known = new BoundedMap<Buffer>(MAX_KNOWN_BYTES);

  has(rows: Buffer): boolean {
    return this.known.get(String(rows.length))?.equals(rows) ?? false;
  }

  add(rows: Buffer): void {
    if (rows.length < MIN_KNOWN_BYTES) return;
    // The whole buffer stays in memory.
    const size = rows.buffer.byteLength;
    this.known.set(String(rows.length), rows, Infinity, size);
  }
}

/**
 * Parses and validates a page of integrations. In the usual layout, which the
 * service writes, all of it stays the text that it sent: JavaScript cannot hold
 * numbers beyond 2^53, and copying is cheap. A page in another layout is parsed
 * and serialized.
 *
 * @throws {InvalidResponseError} if it is no page of integrations
 * @throws {SyntaxError} if it is not JSON; the message quotes the text
 */
export function parsePage(body: Buffer, known?: KnownRows): TokenPage {
  return parseUsualLayout(body, known) ?? parseOtherLayout(body);
}

/**
 * Splits a page whose rows come first and whose other fields are no lists and
 * no objects. Parsing both parts, the list and the text without it, proves that.
 *
 * @returns `undefined` for another layout
 */
function parseUsualLayout(
  body: Buffer,
  known: KnownRows | undefined,
): TokenPage | undefined {
  const end = body.lastIndexOf(']');
  if (end < HEAD.length || body.toString('latin1', 0, HEAD.length) !== HEAD) {
    return undefined;
  }
  const rows = body.subarray(HEAD.length, end);
  const text = HEAD + body.toString('utf8', end);
  const isKnown = known?.has(rows);
  let page: unknown;
  let list: unknown;
  try {
    page = JSON.parse(text);
    if (!isKnown) list = JSON.parse(`[${rows.toString()}]`);
  } catch {
    return undefined;
  }
  if (!isRecord(page)) return undefined;
  const { rows: none, ...others } = page;
  // A second field with the name `rows` would count.
  if (!Array.isArray(none) || none.length > 0) return undefined;
  for (const name in others) {
    if (typeof others[name] === 'object' && others[name] !== null) {
      return undefined;
    }
  }
  if (!isKnown) {
    assertRows(list);
    known?.add(rows);
  }
  const fields = new Map<string, string>();
  for (const [, name, json] of text.slice(HEAD.length).matchAll(FIELD)) {
    fields.set(JSON.parse(name!) as string, json!);
  }
  const isEmpty = Array.isArray(list) && list.length === 0;
  return toPage(page, isEmpty ? Buffer.alloc(0) : rows, fields);
}

/** A field of an object whose value is a string, a number, `true`, `false` or `null`. */
const FIELD = /("(?:[^"\\]|\\.)*")\s*:\s*("(?:[^"\\]|\\.)*"|[^\s,}]+)/g;

function parseOtherLayout(body: Buffer): TokenPage {
  const page: unknown = JSON.parse(body.toString());
  if (!isRecord(page)) throw notPage();
  const { rows, ...others } = page;
  assertRows(rows);
  if (!isSafeJson(others)) throw notPage();
  const fields = Object.entries(others).map(
    ([name, value]) => [name, JSON.stringify(value)] as const,
  );
  const text = JSON.stringify(rows).slice(1, -1);
  return toPage(page, Buffer.from(text), new Map(fields));
}

function toPage(
  page: Record<string, unknown>,
  rows: Buffer,
  fields: ReadonlyMap<string, string>,
): TokenPage {
  const { pages, total } = page;
  const isValid =
    isCount(pages) && isCountOrAbsent(total) && isCountOrAbsent(page.page);
  if (!isValid || fields.has('__proto__')) throw notPage();
  return { rows, fields, pages, total: total as number | null | undefined };
}

function assertRows(list: unknown): asserts list is object[] {
  if (
    !Array.isArray(list) ||
    list.length > MAX_ROWS ||
    !list.every(isRecord) ||
    !isSafeJson(list)
  ) {
    throw new InvalidResponseError('not rows of integrations');
  }
}

function notPage(): InvalidResponseError {
  return new InvalidResponseError('not a page of integrations');
}
