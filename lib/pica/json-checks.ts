import { isUtf8 } from 'node:buffer';

/** The response is not what was requested. Its message is our own and quotes nothing. */
export class InvalidResponseError extends Error {}

/** The maximum depth of nesting in a response. The service has about four levels. */
const MAX_DEPTH = 64;

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/**
 * Checks the content type, and that the body is UTF-8.
 *
 * @throws {InvalidResponseError} for another content type, or bytes that are not UTF-8
 */
export function assertJson(body: Buffer, contentType: unknown): void {
  if (!JSON_TYPE.test(String(contentType))) {
    throw new InvalidResponseError('not labelled as JSON');
  }
  if (!isUtf8(body)) throw new InvalidResponseError('not UTF-8');
}

/** Whether a value is an object with fields: no list, not `null`. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws {InvalidResponseError | SyntaxError} if the body is no JSON object, or one that is not safe */
export function parseRecord(body: Buffer): Record<string, unknown> {
  const value: unknown = JSON.parse(body.toString());
  if (isRecord(value) && isSafeJson(value)) return value;
  throw new InvalidResponseError('not an object');
}

/** Whether a value is a count: an integer from 0 on. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whether a value is a count, or missing. */
export function isCountOrAbsent(value: unknown): boolean {
  return value === undefined || value === null || isCount(value);
}

/** Whether `JSON.stringify` and the app's code can handle parsed JSON: no excessive nesting, no key that replaces a prototype. */
export function isSafeJson(value: object, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    // By index: `for…in` would make a string of each.
    for (const inner of value as unknown[]) {
      if (typeof inner === 'object' && inner !== null) {
        if (!isSafeJson(inner, depth + 1)) return false;
      }
    }
    return true;
  }
  for (const key in value) {
    if (key === '__proto__') return false;
    const inner = (value as Record<string, unknown>)[key];
    if (typeof inner === 'object' && inner !== null) {
      if (!isSafeJson(inner, depth + 1)) return false;
    }
  }
  return true;
}
