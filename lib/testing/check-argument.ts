import { inspect } from 'node:util';

/** The longest delay of `setTimeout` in ms. A longer one fires at once. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** What a field accepts. */
export interface Rule {
  /** Completes the message "expected …". */
  readonly expected: string;
  readonly test: (value: unknown) => boolean;
  /** The field has to be given. */
  readonly isRequired?: true;
  /** No message shows the value. */
  readonly isSecret?: true;
  /** The value is an object with these fields. */
  readonly fields?: Rules<object>;
}

/** A rule for each field of an object. */
export type Rules<T> = { readonly [Field in keyof Required<T>]: Rule };

export const rule = (
  expected: string,
  test: Rule['test'],
  more: Partial<Rule> = {},
): Rule => ({ expected, test, ...more });

export const isString = (value: unknown): value is string =>
  typeof value === 'string';

export const areStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(isString);

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isIntegerFrom = (min: number, value: unknown): boolean =>
  Number.isSafeInteger(value) && (value as number) >= min;

export const STRING = rule('a string', isString);

export const STRINGS = rule('a list of strings', areStrings);

export const FILLED_STRING = rule(
  'a string that is not empty',
  (value) => isString(value) && value !== '',
);

export const BOOLEAN = rule(
  'true or false',
  (value) => typeof value === 'boolean',
);

/** A number of ms that a timer can wait. */
export const MILLISECONDS = rule(
  `a number of milliseconds from 0 to ${MAX_TIMEOUT_MS}`,
  (value) => typeof value === 'number' && value >= 0 && value <= MAX_TIMEOUT_MS,
);

export const integerFrom = (min: number, note = '') =>
  rule(`a whole number from ${min}${note}`, (value) =>
    isIntegerFrom(min, value),
  );

export const integerBetween = (min: number, max: number) =>
  rule(
    `a whole number from ${min} to ${max}`,
    (value) => isIntegerFrom(min, value) && (value as number) <= max,
  );

export const oneOf = (values: readonly string[]) =>
  rule(values.map((value) => `'${value}'`).join(' or '), (value) =>
    values.includes(value as string),
  );

export const functionOf = (expected: string) =>
  rule(expected, (value) => typeof value === 'function');

/**
 * Checks the fields of an argument. `undefined` and `null` count as not given.
 *
 * @param call the call to name in the error, e.g. `fault()`
 * @returns a copy of the fields that are given
 * @throws {TypeError | RangeError} see {@link argumentError}
 */
export function checkArgument<T extends object>(
  call: string,
  rules: Rules<T>,
  given: unknown,
): Partial<T> {
  const errors = findErrors(rules, given);
  if (errors.length > 0) throw argumentError(call, ...errors);
  const fields = Object.entries(given as T);
  return Object.fromEntries(
    fields.filter(([, value]) => isGiven(value)),
  ) as Partial<T>;
}

/** What is wrong with the fields of an object: one sentence each. */
export function findErrors(
  rules: Rules<object>,
  given: unknown,
  path = '',
): string[] {
  const known: [string, Rule][] = Object.entries(rules);
  const names = known.map(([name]) => name).join(', ');
  if (!isObject(given)) {
    // Not its value: a secret may have been passed by accident.
    const type = isGiven(given) ? `a ${typeof given}` : 'nothing';
    return [
      `${path || 'the argument'}: given ${type}; expected an object of { ${names} }.`,
    ];
  }
  const unknown = Object.keys(given)
    .filter((name) => !Object.hasOwn(rules, name))
    .map(
      (name) =>
        `${path}${path && '.'}${name}: there is no such option; expected one of ${names}.`,
    );
  const wrong = known.flatMap(([name, field]) => {
    const value = given[name];
    const fullName = `${path}${path && '.'}${name}`;
    if (!isGiven(value) && !field.isRequired) return [];
    if (field.fields) return findErrors(field.fields, value, fullName);
    return field.test(value)
      ? []
      : [
          `${fullName}: given ${show(value, field)}; expected ${field.expected}.`,
        ];
  });
  return [...unknown, ...wrong];
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** A value as an error may show it: at most 100 characters, and no secret. */
function show(value: unknown, { isSecret }: Rule): string {
  if (isSecret) {
    if (value === '') return 'an empty string';
    return isString(value) ? 'a string' : `a ${typeof value}`;
  }
  const text = inspect(value, { depth: 1, breakLength: Infinity });
  if (/sk_(?:test|live)_/.test(text)) return 'a value that may hold a secret';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
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
