import {
  ValidateBy,
  validateSync,
  type ValidationError,
} from 'class-validator';
import { formatType } from '../format-value.js';

export { isPromise } from '../is-promise.js';

/** The longest delay of `setTimeout` in ms. A longer one fires at once. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * The value passes a test of its own.
 *
 * @param expected completes the message "it must be …"; a function of the refused value says what to write instead
 * @param describe describes a refused value, and shows no secret. Default: by its type
 */
export const Is = (
  expected: string | ((value: unknown) => string),
  test: (value: unknown) => boolean,
  describe = describeValue,
): PropertyDecorator =>
  ValidateBy(
    {
      name: 'is',
      validator: {
        validate: test,
        defaultMessage: (refused) =>
          `must be ${typeof expected === 'string' ? expected : expected(refused?.value)}`,
      },
    },
    { context: { describe } },
  );

/** The value is a function, also one of another realm or a mock. */
export const IsFunction = (expected: string) =>
  Is(expected, (value) => typeof value === 'function');

/** Whether a value is an `http:` or `https:` URL without credentials, query and fragment. */
export function isHttpUrl(value: unknown): value is string {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const url = new URL(value);
  return (
    ['http:', 'https:'].includes(url.protocol) &&
    url.username + url.password + url.search + url.hash === ''
  );
}

/** Whether a value is an object with fields, and no list, map, promise or function. */
export function isPlainObject(
  value: unknown,
): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]';
}

/** Numbers and booleans are shown. Anything else may hold a secret. */
function describeValue(value: unknown): string {
  return ['number', 'boolean'].includes(typeof value)
    ? String(value)
    : formatType(value);
}

/** What to know of a class of options beside its decorators. */
export interface ValidationSettings {
  /** The name of the option that holds the object, e.g. `controller`. Default: none, for the outermost object */
  path?: string;
  /** The classes of the options that are objects of options, by their whole names. */
  groups?: Readonly<Record<string, new () => object>>;
  /** What to say of names that are no options, by their whole names. */
  explanations?: Readonly<Record<string, string>>;
}

/**
 * Fills in the defaults of a class of options and validates the result.
 * `undefined` and `null` count as not given.
 *
 * @param Options the class whose properties declare type, default and rule
 * @returns the options, and one sentence for each error
 */
export function validateOptions<T extends object>(
  Options: new () => T,
  given: unknown,
  settings: ValidationSettings = {},
): { options: T; errors: string[] } {
  const errors: string[] = [];
  const { path = '', explanations = {} } = settings;
  const options = fill(Options, given, path, settings, errors);
  const refused = validateSync(options, {
    whitelist: true,
    forbidNonWhitelisted: true,
  });
  errors.push(...sentences(refused, prefixOf(path), explanations));
  return { options, errors };
}

/** Makes an instance of the class, and of the classes of its groups, which class-validator needs. */
function fill<T extends object>(
  Options: new () => T,
  given: unknown,
  path: string,
  settings: ValidationSettings,
  errors: string[],
): T {
  const options = new Options();
  if (!isPlainObject(given)) {
    errors.push(
      `${path}: given ${describeValue(given)}; it must be an object of options.`,
    );
    return options;
  }
  const values = options as Record<string, unknown>;
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === null) continue;
    const name = prefixOf(path) + key;
    const Group = settings.groups?.[name];
    // `constructor` and `__proto__` would change what is validated.
    if (key in Object.prototype) errors.push(`${name}: ${UNKNOWN}`);
    else if (Group) values[key] = fill(Group, value, name, settings, errors);
    else values[key] = value;
  }
  return options;
}

const UNKNOWN = 'there is no such option.';

const prefixOf = (path: string): string => path && `${path}.`;

/** One sentence for each error. The errors themselves hold the values: they go nowhere. */
function sentences(
  errors: readonly ValidationError[],
  prefix: string,
  explanations: Readonly<Record<string, string>>,
): string[] {
  return errors.flatMap((error) => {
    const { property, value, constraints = {}, children = [] } = error;
    const name = prefix + property;
    if (constraints.whitelistValidation) {
      return `${name}: ${explanations[name] ?? UNKNOWN}`;
    }
    const describe = (error.contexts?.is?.describe ??
      describeValue) as typeof describeValue;
    // The decorators of a property are evaluated from the last to the first.
    const rules = Object.values(constraints)
      .reverse()
      .map((message) => message.slice(message.indexOf('must')));
    const own =
      rules.length > 0
        ? [`${name}: given ${describe(value)}; it ${rules.join(' and ')}.`]
        : [];
    return [...own, ...sentences(children, `${name}.`, explanations)];
  });
}
