import { inspect } from 'node:util';
import {
  ValidateBy,
  validateSync,
  type ValidationError,
} from 'class-validator';

/** ms that setTimeout takes, and with it the stores that are made of timers: a longer time would fire at once. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** A rule that reports what it wishes for. */
export const Must = (wish: string, validate: (value: unknown) => boolean) =>
  ValidateBy({
    name: 'must',
    validator: { validate, defaultMessage: () => wish },
  });

/** A whole number in a range, its ends included. */
export const WholeNumber = (min: number, max: number, unit = '') =>
  Must(
    `a whole number${unit} from ${min} to ${max}`,
    (value) =>
      Number.isInteger(value) &&
      (value as number) >= min &&
      (value as number) <= max,
  );

/** One of a few words. */
export const OneOf = (values: readonly string[]) =>
  Must(
    values.map((value) => `'${value}'`).join(' or '),
    (value) => typeof value === 'string' && values.includes(value),
  );

/** Whether a value is an http: or https: URL and nothing but an address. */
export function isPlainUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const url = new URL(value);
  return (
    ['http:', 'https:'].includes(url.protocol) &&
    url.username + url.password + url.search + url.hash === ''
  );
}

/** The options that break their rule, and those that have none. */
export function breachesOf(rules: object): ValidationError[] {
  return validateSync(rules, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: false,
  });
}

/** What was given, as far as a message may show it: nothing that is, or may be, one of the secrets. */
export function showValue(value: unknown, secrets: readonly unknown[]): string {
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
