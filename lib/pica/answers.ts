import { isUtf8 } from 'node:buffer';
import type { AuthKitToken } from './types.js';

/** A page of integrations as Pica sends it, believed after {@link readPage}. */
export type PicaPage = AuthKitToken;

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
 * Reads a JSON body.
 *
 * @throws {UnbelievableAnswer} for another content type, or bytes that are not UTF-8
 * @throws {SyntaxError} for text that is not JSON; it quotes the text, so it must not go further
 */
export function parseJson(body: Buffer, contentType: unknown): unknown {
  if (!isJson(contentType))
    throw new UnbelievableAnswer('not labelled as JSON');
  if (!isUtf8(body)) throw new UnbelievableAnswer('not UTF-8');
  return JSON.parse(body.toString());
}

/**
 * Believes that an answer is a page of integrations, whose unknown fields are kept as they are.
 *
 * @throws {UnbelievableAnswer} where it is not
 */
export function readPage(answer: unknown): PicaPage {
  if (
    !isRecord(answer) ||
    !Array.isArray(answer.rows) ||
    answer.rows.length > MAX_ROWS ||
    !answer.rows.every(isRecord) ||
    !isCount(answer.pages) ||
    !isCountOrAbsent(answer.total) ||
    !isCountOrAbsent(answer.page) ||
    !isHarmless(answer)
  ) {
    throw new UnbelievableAnswer('not a page of integrations');
  }
  return answer as unknown as PicaPage;
}

/**
 * Believes that an answer is the account's flags.
 *
 * @throws {UnbelievableAnswer} where it is not
 */
export function readFlags(answer: unknown): PicaFlags {
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
