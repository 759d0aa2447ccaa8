import { MAX_TIMEOUT_MS, Satisfies, validateOptions } from './validation.js';

/** The value is a number of ms that a timer can wait. */
export const IsMilliseconds = () =>
  Satisfies(
    `a number of milliseconds from 0 to ${MAX_TIMEOUT_MS}`,
    (value) =>
      typeof value === 'number' && value >= 0 && value <= MAX_TIMEOUT_MS,
  );

/** The value is an integer of at least `min`. */
export const IsIntegerFrom = (min: number, note = '') =>
  Satisfies(`a whole number from ${min}${note}`, (value) =>
    isIntegerFrom(min, value),
  );

export function isIntegerFrom(min: number, value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min;
}

export function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/**
 * Validates an argument and fills in the defaults.
 *
 * @param call the call to name in the error, e.g. `fault()`
 * @param Options the class whose properties declare type, default and rule
 * @throws {TypeError | RangeError} see {@link argumentError}
 */
export function validateArgument<T extends object>(
  call: string,
  Options: new () => T,
  given: unknown,
): T {
  const isObject =
    typeof given === 'object' && given !== null && !Array.isArray(given);
  const path = isObject ? undefined : 'the argument';
  const { options, errors } = validateOptions(Options, given, { path });
  if (errors.length > 0) throw argumentError(call, ...errors);
  return options;
}

/** A number where a number is expected. */
const OUT_OF_RANGE =
  /: given (-?[\d.e+-]+|-?Infinity|NaN); expected a (?:whole )?number/;

/**
 * The error of a bad argument: a `RangeError` for numbers out of their range, else a `TypeError`.
 *
 * @param errors one sentence each: what was given and what is expected
 */
export function argumentError(call: string, ...errors: string[]): Error {
  const Kind = errors.every((error) => OUT_OF_RANGE.test(error))
    ? RangeError
    : TypeError;
  const list = errors.map((error) => `  - ${error}`).join('\n');
  return new Kind(`PicaEmulator: bad argument of ${call}.\n${list}`);
}
