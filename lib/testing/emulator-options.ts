import type { AuthKitIntegration } from '../authkit.types.js';
import type { AuthKitVendor } from '../vendors/index.js';
import {
  argumentError,
  BOOLEAN,
  checkArgument,
  findErrors,
  functionOf,
  integerBetween,
  isIntegerFrom,
  isObject,
  isString,
  MILLISECONDS,
  oneOf,
  rule,
  type Rules,
} from './check-argument.js';
import type { EmulatorRequest } from './emulator-request.js';
import {
  CONNECTION_FILTERS,
  VENDOR_PROFILES,
  type ConnectionFilter,
} from './vendor-profiles.js';

/**
 * An account of the emulated service: it has a secret key, integrations and connections of its own.
 *
 * @publicApi
 */
export interface EmulatorAccountOptions {
  /** The key that selects the account. */
  secretKey: string;
  /** The environment of its rows and connection keys. Default: `live` if the key begins with `sk_live_`, else `test` */
  environment?: 'test' | 'live';
}

/**
 * The options of `PicaEmulator.start()`. All are optional.
 *
 * @publicApi
 */
export interface PicaEmulatorOptions {
  /**
   * The service to emulate. It decides the paths and the name of the header
   * with the secret key (`X-Pica-Secret` or `X-One-Secret`). The other
   * vendor's paths do not exist. Default: `pica`
   */
  vendor?: AuthKitVendor;

  /** The only key that is accepted. Any other gets status 401. Default: `sk_test_emulator` */
  secretKey?: string;

  /** Several accounts, instead of `secretKey`. Each has connections of its own. Default: one */
  accounts?: readonly EmulatorAccountOptions[];

  /**
   * The integrations on offer: a number of well-known products (the same
   * products with the same ids in every run), or rows of your own.
   * Default: 247, as in a usual project
   */
  integrations?: number | readonly AuthKitIntegration[];

  /** The delay of every response in ms. Default: 0 */
  latency?: number;

  /** Whether the account may hide the vendor's branding in the widget. Default: false */
  whiteLabel?: boolean;

  /**
   * The filters of `GET /v1/vault/connections` that have no effect, as an
   * upstream may ignore them: `true` for all, or their names.
   * Default: false, all filters have an effect
   */
  ignoreFilters?: boolean | readonly ConnectionFilter[];

  /** The port on 127.0.0.1. Default: 0, which takes a free one */
  port?: number;

  /** Returns the `requestId` of a page. Default: a new one for every call, `oauth_req_1` and so on */
  requestId?: (request: EmulatorRequest) => string | number | null;
}

/** The options with their defaults. */
export type EmulatorOptions = Required<
  Omit<PicaEmulatorOptions, 'secretKey' | 'requestId'>
> &
  Pick<PicaEmulatorOptions, 'requestId'>;

const SECRET_KEY = rule(
  'a string without spaces, line breaks and characters beyond ASCII, as it is sent in a header; ' +
    'leave it out, and pass pica.secretKey to the code under test',
  (value) => isString(value) && /^[\x21-\x7e]+$/.test(value),
  // It may be a real one.
  { isSecret: true },
);

const ACCOUNT_RULES: Rules<EmulatorAccountOptions> = {
  secretKey: { ...SECRET_KEY, isRequired: true },
  environment: oneOf(['test', 'live']),
};

export const OPTION_RULES: Rules<PicaEmulatorOptions> = {
  vendor: oneOf(Object.keys(VENDOR_PROFILES)),
  secretKey: SECRET_KEY,
  accounts: rule(
    'a list of at least one { secretKey, environment? }, each with a key of its own and the environment test or live',
    areAccounts,
    { isSecret: true },
  ),
  integrations: rule(
    'a whole number from 0, or a list of rows, each an object with an id; to send something broken, use fault({ transform })',
    (value) =>
      Array.isArray(value) ? value.every(isRow) : isIntegerFrom(0, value),
  ),
  latency: MILLISECONDS,
  whiteLabel: BOOLEAN,
  ignoreFilters: rule(
    `true, false or a list of ${CONNECTION_FILTERS.join(', ')}`,
    (value) =>
      typeof value === 'boolean' ||
      (Array.isArray(value) &&
        value.every((name) => CONNECTION_FILTERS.includes(name))),
  ),
  port: integerBetween(0, 65_535),
  requestId: functionOf(
    'a function of the request; for a constant pass () => value',
  ),
};

function areAccounts(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false;
  if (value.some((each) => findErrors(ACCOUNT_RULES, each).length > 0)) {
    return false;
  }
  const keys = value.map(({ secretKey }: EmulatorAccountOptions) => secretKey);
  return new Set(keys).size === keys.length;
}

function isRow(value: unknown): boolean {
  return isObject(value);
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError} for an option of the wrong type or an unknown one
 * @throws {RangeError} for a number out of its range
 */
export function checkOptions(given: PicaEmulatorOptions): EmulatorOptions {
  const { secretKey, accounts, ...rest } = checkArgument(
    'start()',
    OPTION_RULES,
    given,
  );
  if (secretKey !== undefined && accounts !== undefined) {
    throw argumentError(
      'start()',
      'secretKey and accounts: given both; expected one of them. The key of the first account is pica.secretKey.',
    );
  }
  return {
    vendor: 'pica',
    accounts: accounts ?? [{ secretKey: secretKey ?? 'sk_test_emulator' }],
    integrations: 247,
    latency: 0,
    whiteLabel: false,
    ignoreFilters: false,
    port: 0,
    ...rest,
  };
}
