import { inspect } from 'node:util';

/**
 * A value as an error message may show it: at most 100 characters, and nothing that is or may be a secret.
 *
 * @param secrets strings that the message must not show
 */
export function formatValue(
  value: unknown,
  secrets: readonly unknown[] = [],
): string {
  const text = inspect(value, { depth: 1, breakLength: Infinity });
  const mayBeSecret =
    /sk_(?:test|live)_/.test(text) ||
    /\/\/[^/]*@/.test(text) ||
    secrets.some(
      (secret) =>
        typeof secret === 'string' &&
        secret &&
        // Shown, it may have escapes and other quotes.
        (text.includes(secret) || text.includes(inspect(secret).slice(1, -1))),
    );
  if (mayBeSecret) return 'a value that may hold a secret';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** What a function of the app has thrown, by its type alone: the message may quote a secret. */
export function formatThrown(error: unknown): string {
  if (!(error instanceof Error)) return formatType(error);
  const name = error.name === 'Error' ? error.constructor.name : error.name;
  return /^[A-Z]\w{0,63}$/.test(name) ? name : 'an error';
}

/** The type of a value, for messages that must not show the value. */
export function formatType(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') {
    return value === ''
      ? 'an empty string'
      : `a string of ${value.length} characters`;
  }
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
