import { applyDecorators } from '@nestjs/common';
import { IsInt, Max, Min, ValidateBy, validateSync } from 'class-validator';
import { formatType } from '../format-value.js';

/** The longest delay of `setTimeout` in ms. A longer one fires at once. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The value is an integer from `min` to `max`. */
export const IsIntBetween = (min: number, max: number): PropertyDecorator =>
  applyDecorators(Max(max), Min(min), IsInt());

/** The value is given and passes a test. If not, it must be what is `expected`. */
export const IsRequired = (
  expected: string,
  test: (value: unknown) => boolean,
  describe: (value: unknown) => string | undefined = describeValue,
): PropertyDecorator =>
  ValidateBy({
    name: 'is',
    validator: {
      validate: test,
      defaultMessage: (refused) =>
        `${describe(refused?.value)}; it must be ${expected}`,
    },
  });

/** The value, if it is given, passes a test. */
export const Is = (expected: string, test: (value: unknown) => boolean) =>
  IsRequired(expected, (value) => value === undefined || test(value));

/** The value, if it is given, is a function. */
export const IsFunction = (expected: string) =>
  Is(expected, (value) => typeof value === 'function');

/** The value, if it is given, is a string with more than spaces. */
export const IsNotBlank = () =>
  Is(
    'a string that is not empty',
    (value) => typeof value === 'string' && value.trim() !== '',
  );

/** Whether a value is an `http:` or `https:` URL without credentials, query and fragment. */
export function isHttpUrl(value: unknown): value is string {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, username, password, search, hash } = new URL(value);
  return /^https?:$/.test(protocol) && !(username + password + search + hash);
}

/** Whether a value is an object with fields, and no list, map, promise or function. */
export function isPlainObject(value: unknown): value is object {
  return Object.prototype.toString.call(value) === '[object Object]';
}

/** Numbers and booleans are shown. Anything else may hold a secret. */
function describeValue(value: unknown): string {
  return ['number', 'boolean'].includes(typeof value)
    ? String(value)
    : formatType(value);
}

/**
 * Fills in the defaults of a class of options and validates the result.
 * `undefined` and `null` count as not given.
 *
 * @param errors receives one sentence for each error
 * @param path the option that holds the object, e.g. `cache`
 * @param explain what to say of a name that is no option
 */
export function validateOptions<T extends object>(
  Options: new () => T,
  given: unknown,
  errors: string[],
  path = '',
  explain: (name: string) => string | undefined = () => undefined,
): T {
  const options = new Options();
  if (!isPlainObject(given)) {
    errors.push(
      `${path}: given ${describeValue(given)}; it must be an object of options.`,
    );
    return options;
  }
  const prefix = path && `${path}.`;
  const unknown = 'there is no such option.';
  for (const [key, value] of Object.entries(given)) {
    // `constructor` and `__proto__` would change what is validated.
    if (key in Object.prototype) errors.push(`${prefix}${key}: ${unknown}`);
    else if (value !== undefined && value !== null) {
      Object.assign(options, { [key]: value });
    }
  }
  const refused = validateSync(options, {
    whitelist: true,
    forbidNonWhitelisted: true,
  });
  for (const { property, value, constraints = {} } of refused) {
    const name = prefix + property;
    if (constraints.whitelistValidation) {
      errors.push(`${name}: ${explain(name) ?? unknown}`);
      continue;
    }
    // The messages of class-validator begin with the name.
    const rules = Object.values(constraints)
      .reverse()
      .map((message) => message.slice(message.indexOf('must')));
    errors.push(
      `${name}: given ${constraints.is ?? `${describeValue(value)}; it ${rules.join(' and ')}`}.`,
    );
  }
  return options;
}
