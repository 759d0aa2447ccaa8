import type { AuthKitToken } from '../authkit.types.js';
import { BoundedMap } from '../bounded-map.js';
import {
  InvalidResponseError,
  isCount,
  isCountOrAbsent,
  isRecord,
  isSafeJson,
} from '../pica/responses.js';

/** What a page says of all pages, parsed. */
export type PageFields = Pick<AuthKitToken, 'pages'> &
  Partial<Pick<AuthKitToken, 'total' | 'page'>>;

/** Validated rows of integrations. */
export interface RawRows {
  /** The rows in JSON, separated by commas, without brackets. */
  readonly rows: Buffer;
  /** Returns the rows, parsed once: other tokens may have them too, so nothing changes them. */
  readonly sharedRows: () => readonly object[];
  /** Returns where each row is in `rows`, found once. */
  readonly findRows: () => readonly ElementBounds[];
}

/**
 * A validated page of integrations as the text that Pica sent. Nothing of it is
 * serialized again: JavaScript cannot hold numbers beyond 2^53, and copying is cheap.
 */
export interface RawPage extends RawRows {
  readonly fields: PageFields;
  /** The JSON of every other member, unknown ones included, by its name. */
  readonly members: ReadonlyMap<string, string>;
}

/** The maximum number of rows on a page. The service sends 150 at most. */
const MAX_ROWS = 1_000;

/** The beginning of a page, as the service writes it. */
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
  private readonly known = new BoundedMap<RawRows>(MAX_KNOWN_BYTES);

  /** Returns the rows with the same bytes. */
  get(text: Buffer): RawRows | undefined {
    const known = this.known.get(String(text.length));
    return known?.rows.equals(text) ? known : undefined;
  }

  add(valid: RawRows): void {
    const { length, buffer } = valid.rows;
    if (length < MIN_KNOWN_BYTES) return;
    // The whole buffer stays in memory.
    this.known.set(String(length), valid, Infinity, buffer.byteLength);
  }
}

/**
 * Parses and validates a page of integrations.
 *
 * @throws {InvalidResponseError} where it is no page of integrations
 * @throws {SyntaxError} where it is not JSON; the message quotes the text
 */
export function parsePage(body: Buffer, knownRows?: KnownRows): RawPage {
  const { page, rows, members } =
    splitUsualPage(body, knownRows) ?? splitPage(body);
  if (
    !isRecord(page) ||
    !isCount(page.pages) ||
    !isCountOrAbsent(page.total) ||
    !isCountOrAbsent(page.page) ||
    !isSafeJson(page)
  ) {
    throw new InvalidResponseError('not a page of integrations');
  }
  return { fields: page as unknown as PageFields, members, ...rows };
}

/**
 * The parsed list is not kept: objects may take many times the memory of their
 * text, which alone is counted.
 *
 * @param text what is between the brackets of the list
 * @param list the same, parsed
 */
function validateRows(text: Buffer, list: unknown): RawRows {
  if (!Array.isArray(list)) {
    throw new InvalidResponseError('not a page of integrations');
  }
  if (list.length > MAX_ROWS || !list.every(isRecord) || !isSafeJson(list)) {
    throw new InvalidResponseError('not rows of integrations');
  }
  return rawRows(list.length > 0 ? text : text.subarray(0, 0));
}

/** @param rows validated */
export function rawRows(rows: Buffer): RawRows {
  let parsed: readonly object[] | undefined;
  let found: readonly ElementBounds[] | undefined;
  return {
    rows,
    sharedRows: () => (parsed ??= parseRows({ rows })),
    findRows: () => (found ??= findElements(rows)),
  };
}

/** Parses the rows of a page into objects that belong to the caller. */
export function parseRows({ rows }: Pick<RawRows, 'rows'>): object[] {
  return JSON.parse(`[${rows.toString()}]`);
}

/** A page in parts. Of `page`, the rows may be missing. */
interface SplitPage {
  readonly page: unknown;
  readonly rows: RawRows;
  readonly members: ReadonlyMap<string, string>;
}

/**
 * Splits a page as the service writes it: the rows come first, and no other
 * list follows. That is proved by parsing both parts, the list and the text
 * without its inside. This is the fast way: the rows are not scanned.
 *
 * @returns `undefined` for text of another form
 */
function splitUsualPage(
  body: Buffer,
  knownRows?: KnownRows,
): SplitPage | undefined {
  const end = body.lastIndexOf(']');
  if (end < HEAD.length || body.toString('latin1', 0, HEAD.length) !== HEAD) {
    return undefined;
  }
  const rest = HEAD + body.toString('utf8', end);
  const text = body.subarray(HEAD.length, end);
  const known = knownRows?.get(text);
  let page: unknown;
  let list: unknown;
  try {
    page = JSON.parse(rest);
    if (!known) list = JSON.parse(`[${text.toString()}]`);
  } catch {
    return undefined;
  }
  // A second member of that name would count.
  if (!isRecord(page) || !isEmptyList(page.rows)) return undefined;
  const members = membersOf(rest);
  members.delete('rows');
  if (known) return { page, rows: known, members };
  const rows = validateRows(text, list);
  knownRows?.add(rows);
  return { page, rows, members };
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Splits a page of any legal layout. Of members with the same name, the last one counts, as in `JSON.parse()`. */
function splitPage(body: Buffer): SplitPage {
  const text = body.toString();
  const page: unknown = JSON.parse(text);
  const members = isRecord(page) ? membersOf(text) : new Map<string, string>();
  const rows = members.get('rows') ?? '';
  members.delete('rows');
  return {
    page,
    rows: validateRows(
      Buffer.from(rows.slice(1, -1).trim()),
      (page as { rows?: unknown } | null)?.rows,
    ),
    members,
  };
}

/**
 * The JSON of each member of an object, by its name, in one pass over the text.
 *
 * @param text an object in JSON, which `JSON.parse()` has accepted
 */
export function membersOf(text: string): Map<string, string> {
  const members = new Map<string, string>();
  let at = skipSpace(text, text.indexOf('{') + 1);
  while (text[at] === '"') {
    const nameEnd = endOfValue(text, at);
    const start = skipSpace(text, text.indexOf(':', nameEnd) + 1);
    const end = endOfValue(text, start);
    members.set(
      JSON.parse(text.slice(at, nameEnd)) as string,
      text.slice(start, end),
    );
    // At the comma, or at the end of the object.
    at = skipSpace(text, skipSpace(text, end) + 1);
  }
  return members;
}

/** The JSON of the first element of a list's inside; an empty string where there is none. */
export function firstElement(inside: string): string {
  const start = skipSpace(inside, 0);
  return inside.slice(start, endOfValue(inside, start));
}

/** Where an element begins and ends, in bytes. */
export type ElementBounds = readonly [start: number, end: number];

/** Finds each element of a list's inside. */
export function findElements(inside: Buffer): ElementBounds[] {
  // One character a byte. Those of UTF-8 beyond ASCII are no part of the syntax.
  const text = inside.toString('latin1');
  const elements: ElementBounds[] = [];
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const end = endOfValue(text, at);
    elements.push([at, end]);
    // Behind the comma.
    at = skipSpace(text, skipSpace(text, end) + 1);
  }
  return elements;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at += 1;
  return at;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Where the value that begins at `start` ends. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at += 1;
      while (at < text.length && text.charCodeAt(at) !== QUOTE) {
        at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
      }
      if (depth === 0) return at + 1;
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
    } else if (code === 0x7d || code === 0x5d) {
      // The end of the object or list around a number, or of the value itself.
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (code === 0x2c || code <= 0x20)) {
      return at;
    }
  }
  return text.length;
}
