import { isUtf8 } from 'node:buffer';
import { takeApart } from './page-text.js';
import type { AuthKitToken } from './types.js';

/** All that a page says beside its rows, unknown fields included. */
export type PageFields = Pick<
  AuthKitToken,
  'total' | 'pages' | 'page' | 'requestId' | 'isWhiteLabel'
> & { [field: string]: unknown };

/** A page of integrations as Pica sends it, believed after {@link readPage}. */
export interface PicaPage {
  readonly fields: PageFields;
  /** Its rows, in JSON and separated by commas, without brackets. */
  readonly rows: Buffer;
}

/** The account's flags, as far as they matter. */
export interface PicaFlags {
  authkitWhitelist?: boolean | null;
}

/** An answer that is not what was asked for. Its message is our own: it quotes nothing. */
export class UnbelievableAnswer extends Error {}

/** Rows on one page. The service gives 150 at most, whatever it is asked for. */
const MAX_ROWS = 1_000;

/** Levels of nesting in an answer. The service has about four. */
const MAX_DEPTH = 64;

/**
 * Believes that a body is JSON, as far as its label and its bytes tell.
 *
 * @throws {UnbelievableAnswer} for another content type, or bytes that are not UTF-8
 */
export function checkJson(body: Buffer, contentType: unknown): void {
  if (!isJson(contentType))
    throw new UnbelievableAnswer('not labelled as JSON');
  if (!isUtf8(body)) throw new UnbelievableAnswer('not UTF-8');
}

/**
 * Believes that a body is a page of integrations, whose unknown fields are kept as they are.
 *
 * @throws {UnbelievableAnswer} where it is not
 * @throws {SyntaxError} for text that is not JSON; it quotes the text, so it must not go further
 */
export function readPage(body: Buffer): PicaPage {
  const parts = takeApart(body);
  const answer: unknown = parts?.rest ?? JSON.parse(body.toString());
  if (
    !isRecord(answer) ||
    !Array.isArray(answer.rows) ||
    !isCount(answer.pages) ||
    !isCountOrAbsent(answer.total) ||
    !isCountOrAbsent(answer.page) ||
    !isHarmless(answer)
  ) {
    throw new UnbelievableAnswer('not a page of integrations');
  }
  const { rows: inside, ...fields } = answer;
  const rows = parts?.rows ?? inside;
  if (rows.length > MAX_ROWS || !rows.every(isRecord) || !isHarmless(rows)) {
    throw new UnbelievableAnswer('not rows of integrations');
  }
  return {
    fields: fields as PageFields,
    rows: parts?.rowsJson ?? innerJson(rows),
  };
}

/** What stands between the brackets of a list in JSON. */
function innerJson(list: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify(list).slice(1, -1));
}

/**
 * Believes that a body is the account's flags.
 *
 * @throws {UnbelievableAnswer} where it is not
 * @throws {SyntaxError} for text that is not JSON; it quotes the text, so it must not go further
 */
export function readFlags(body: Buffer): PicaFlags {
  return checkFlags(JSON.parse(body.toString()));
}

/**
 * Believes that a value is the account's flags.
 *
 * @throws {UnbelievableAnswer} where it is not
 */
export function checkFlags(answer: unknown): PicaFlags {
  if (
    !isRecord(answer) ||
    typeof (answer.authkitWhitelist ?? false) !== 'boolean'
  ) {
    throw new UnbelievableAnswer('not the flags of an account');
  }
  return answer as PicaFlags;
}

function isJson(contentType: unknown): boolean {
  return (
    typeof contentType === 'string' &&
    /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType)
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether `JSON.stringify` and the code of the app can take it: no chasms, no keys that replace a prototype. */
function isHarmless(value: object, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    // By index: `for…in` would make a string of each.
    for (const inner of value as unknown[]) {
      if (typeof inner === 'object' && inner !== null) {
        if (!isHarmless(inner, depth + 1)) return false;
      }
    }
    return true;
  }
  for (const key in value) {
    if (key === '__proto__') return false;
    const inner = (value as Record<string, unknown>)[key];
    if (typeof inner === 'object' && inner !== null) {
      if (!isHarmless(inner, depth + 1)) return false;
    }
  }
  return true;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isCountOrAbsent(value: unknown): boolean {
  return value === undefined || value === null || isCount(value);
}
