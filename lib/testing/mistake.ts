import { inspect } from 'node:util';

/** What setTimeout takes: a longer time would fire at once. */
export const LONGEST = 2 ** 31 - 1;

/** The error for a bad argument: what was given, what is expected and what to do. */
export function mistake(
  Kind: typeof TypeError | typeof RangeError,
  what: string,
  given: unknown,
  expected: string,
  advice: string,
): Error {
  return new Kind(
    `PicaEmulator: ${what} is ${show(given)}; expected ${expected}. ${advice}`,
  );
}

/** @throws {TypeError} for what is no number, {RangeError} for a number out of `min` to `max`, or a fraction */
export function checkWhole(
  what: string,
  given: unknown,
  [min, max]: readonly [min: number, max: number],
  advice: string,
): void {
  const expected =
    max === Infinity
      ? `a whole number from ${min} on`
      : `a whole number from ${min} to ${max}`;
  if (typeof given !== 'number') {
    throw mistake(TypeError, what, given, expected, advice);
  }
  if (!Number.isSafeInteger(given) || given < min || given > max) {
    throw mistake(RangeError, what, given, expected, advice);
  }
}

/** @throws {TypeError} for what is no number, {RangeError} for what no timer can wait */
export function checkMilliseconds(what: string, given: unknown): void {
  const expected = `a number of milliseconds from 0 to ${LONGEST}`;
  const advice = 'Pass 0 for no wait.';
  if (typeof given !== 'number') {
    throw mistake(TypeError, what, given, expected, advice);
  }
  if (!(given >= 0 && given <= LONGEST)) {
    throw mistake(RangeError, what, given, expected, advice);
  }
}

/** @throws {TypeError} that names the first field which does not exist */
export function checkNames(
  what: string,
  given: object,
  names: readonly string[],
): void {
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(
    `PicaEmulator: ${what} has no '${unknown}'; expected any of ${names.join(', ')}. Check its spelling.`,
  );
}

function show(given: unknown): string {
  const text = inspect(given, { depth: 1, breakLength: Infinity });
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
