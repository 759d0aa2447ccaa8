import {
  getMetadataStorage,
  IsOptional,
  ValidateBy,
  validateSync,
  ValidationTypes,
  type ValidationError,
} from 'class-validator';
import { formatType, formatValue } from '../format-value.js';

/** The longest delay of `setTimeout` in ms. A longer one fires at once. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** What a decorator says of an option beside its rule. */
interface OptionContext {
  /** Formats a refused value for the error message. */
  format?: (value: unknown) => string;
  /** The value is wrapped in a {@link Secret} once it is valid. */
  isSecret?: true;
  /** The value is an object of options of its own. */
  nested?: new () => object;
  /** The option may be left out. */
  isOptional?: boolean;
  /** Computes the default from the other options. */
  defaultFrom?: (options: never) => unknown;
}

/**
 * The value satisfies a predicate.
 *
 * @param expected completes the message "expected …"; a function of the refused value says what to write instead
 * @param format formats a refused value. Default: {@link formatValue}
 */
export const Satisfies = (
  expected: string | ((value: unknown) => string),
  validate: (value: unknown) => boolean,
  format?: OptionContext['format'],
): PropertyDecorator =>
  ValidateBy(
    {
      name: 'expected',
      validator: {
        validate,
        defaultMessage: (refused) =>
          typeof expected === 'string' ? expected : expected(refused?.value),
      },
    },
    { context: { format } satisfies OptionContext },
  );

/** The value is an integer from `min` to `max`, both included. */
export const IsInRange = (min: number, max: number, unit?: string) =>
  Satisfies(
    `a whole number${unit ? ` of ${unit}` : ''} from ${min} to ${max}`,
    (value) =>
      Number.isInteger(value) &&
      (value as number) >= min &&
      (value as number) <= max,
  );

/** The value is one of a list of strings. */
export const IsOneOf = (values: readonly string[]) =>
  Satisfies(
    values.map((value) => `'${value}'`).join(' or '),
    (value) => typeof value === 'string' && values.includes(value),
  );

/** The value is a boolean. */
export const IsBoolean = () =>
  Satisfies('true or false', (value) => typeof value === 'boolean');

/** The value is a function. */
export const IsFunction = (expected: string) =>
  Satisfies(expected, (value) => typeof value === 'function');

/** The value is a string with at least one character that is not white space. */
export const IsNotBlank = () =>
  Satisfies(
    'a string that is not empty',
    (value) => typeof value === 'string' && value.trim() !== '',
  );

/** The value is an `http:` or `https:` URL without credentials, query and fragment. */
export const IsHttpUrl = (
  expected = 'an http: or https: URL without credentials, query or fragment',
) => Satisfies(expected, isHttpUrl);

/** The value is wrapped in a {@link Secret} once it is valid, so that nothing that inspects the options shows it. */
export const IsSecret = (): PropertyDecorator =>
  withContext('secret', { isSecret: true });

/** The value is an object of options, which the decorators of another class describe. */
export const IsNested = (nested: new () => object): PropertyDecorator =>
  withContext('nested', { nested });

/** The default follows from the other options. */
export const DefaultsTo = <T>(
  defaultFrom: (options: T) => unknown,
): PropertyDecorator => {
  const decorators = [IsOptional(), withContext('default', { defaultFrom })];
  return (target, property) => {
    for (const decorate of decorators) decorate(target, property);
  };
};

function withContext(name: string, context: OptionContext): PropertyDecorator {
  return ValidateBy({ name, validator: { validate: () => true } }, { context });
}

/** A value that no log line, error or inspected object shows. */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }
}

declare const INPUT: unique symbol;

/** Nested options: complete where they are read, written as `Input`. */
export type Nested<Options, Input> = Options & { readonly [INPUT]?: Input };

/** What a user writes for a class of options: all but `Required` is optional, secrets and nested options are plain. */
export type OptionsInput<T, Required extends keyof T = never> = {
  [K in keyof T as K extends Required ? never : K]?: OptionInput<T[K]>;
} & { [K in keyof T as K extends Required ? K : never]: OptionInput<T[K]> };
type OptionInput<V> =
  V extends Secret<infer S>
    ? S
    : V extends { readonly [INPUT]?: infer I }
      ? NonNullable<I>
      : V;

/** Options with their defaults, or what is wrong with them: one sentence for each error. */
export interface Validated<T> {
  readonly options: T;
  readonly errors: string[];
}

/** What to say of an object of options. */
export interface ValidationSettings {
  /** The name of the option that holds the object, e.g. `cache`. Default: none, for the outermost object */
  path?: string;
  /** The public name of the type, for the advice on an unknown option. */
  typeName?: string;
  /** Strings that no message may show. */
  secrets?: readonly unknown[];
  /** Explains an option that does not exist. Default: names the nearest known option */
  explainUnknown?: (name: string) => string | undefined;
}

/**
 * Fills in the defaults of a class of options and validates the result.
 * `undefined` and `null` count as not given.
 *
 * @param Options the class whose properties declare type, default and rule
 */
export function validateOptions<T extends object>(
  Options: new () => T,
  given: unknown,
  settings: ValidationSettings = {},
): Validated<T> {
  const { path = '', secrets = [] } = settings;
  const options = new Options();
  const contexts = contextsOf(Options);
  const names = [...contexts.keys()];
  const prefix = path && `${path}.`;
  const values = options as Record<string, unknown>;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const fields = [...contexts].map(([name, { isOptional }]) =>
      isOptional || values[name] !== undefined ? `${name}?` : name,
    );
    const expected = `an object of { ${fields.join(', ')} }`;
    return {
      options,
      // Not its length: a secret may have been passed by accident.
      errors: [
        `${path}: given ${typeof given === 'string' ? 'a string' : formatType(given)}; expected ${expected}.`,
      ],
    };
  }

  const errors: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (!contexts.has(name)) {
      errors.push(`${prefix}${name}: ${explainUnknown(name, names, settings)}`);
    } else if (value !== undefined && value !== null) values[name] = value;
  }
  errors.push(
    ...validateSync(options, { forbidUnknownValues: false }).map((error) =>
      formatError(prefix, error, secrets),
    ),
  );
  for (const [name, { nested }] of contexts) {
    if (!nested || values[name] === undefined) continue;
    const inner = validateOptions(nested, values[name], {
      ...settings,
      path: `${prefix}${name}`,
      typeName: undefined,
      explainUnknown: undefined,
    });
    values[name] = inner.options;
    errors.push(...inner.errors);
  }
  if (errors.length === 0) complete(options, contexts);
  return { options, errors };
}

/** Computes the defaults that follow from other options, and wraps the secrets. */
function complete<T extends object>(
  options: T,
  contexts: ReadonlyMap<string, OptionContext>,
): void {
  const values = options as Record<string, unknown>;
  for (const [name, { defaultFrom }] of contexts) {
    if (defaultFrom) values[name] ??= defaultFrom(options as never);
  }
  for (const [name, { isSecret }] of contexts) {
    if (isSecret && values[name] !== undefined) {
      values[name] = new Secret(values[name]);
    }
  }
}

/** The names of the options that a class declares. */
export function optionNames(Options: new () => object): string[] {
  return [...contextsOf(Options).keys()];
}

/** What the decorators of a class say of each option, in the order of their declaration. */
function contextsOf(Options: new () => object): Map<string, OptionContext> {
  const contexts = new Map<string, OptionContext>();
  const decorators = getMetadataStorage().getTargetValidationMetadatas(
    Options,
    '',
    false,
    false,
  );
  for (const { propertyName, type, context } of decorators) {
    const known = contexts.get(propertyName);
    const isOptional =
      known?.isOptional || type === ValidationTypes.CONDITIONAL_VALIDATION;
    contexts.set(propertyName, { ...known, ...context, isOptional });
  }
  return contexts;
}

function formatError(
  prefix: string,
  { property, value, constraints = {}, contexts = {} }: ValidationError,
  secrets: readonly unknown[],
): string {
  const { format } = (contexts.expected ?? {}) as OptionContext;
  const shown = format ? format(value) : formatValue(value, secrets);
  return `${prefix}${property}: given ${shown}; expected ${constraints.expected}.`;
}

function explainUnknown(
  name: string,
  names: readonly string[],
  { explainUnknown, typeName }: ValidationSettings,
): string {
  const explained = explainUnknown?.(name);
  if (explained) return `${explained}.`;
  const suggestion = nearestName(name, names);
  if (suggestion) return `there is no such option; did you mean ${suggestion}?`;
  return `there is no such option; ${typeName ? `check its spelling against ${typeName}` : `expected any of ${names.join(', ')}`}.`;
}

/** The name that differs least from a misspelt one: by at most a third of its letters, case ignored. */
export function nearestName(
  name: string,
  names: readonly string[],
): string | undefined {
  const [best] = names
    .map((known) => ({
      known,
      distance: editDistance(name.toLowerCase(), known.toLowerCase()),
    }))
    .sort((one, other) => one.distance - other.distance);
  return best && best.distance <= Math.max(1, best.known.length / 3)
    ? best.known
    : undefined;
}

/** The number of letters to insert, delete, replace or swap with the next one (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let [before, row]: number[][] = [
    [],
    Array.from({ length: to.length + 1 }, (_, index) => index),
  ];
  const letters = [...from];
  for (const [i, letter] of letters.entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j += 1) {
      const isSwapped = letter === to[j - 1] && letters[i - 1] === to[j];
      next.push(
        Math.min(
          next[j]! + 1,
          row![j + 1]! + 1,
          row![j]! + (letter === to[j] ? 0 : 1),
          isSwapped ? before![j - 1]! + 1 : Infinity,
        ),
      );
    }
    [before, row] = [row, next];
  }
  return row![to.length]!;
}

/** Whether a value is an `http:` or `https:` URL without credentials, query and fragment. */
export function isHttpUrl(value: unknown): value is string {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const url = new URL(value);
  return (
    ['http:', 'https:'].includes(url.protocol) &&
    url.username + url.password + url.search + url.hash === ''
  );
}

/** Whether a value can be awaited. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null)?.then === 'function';
}
