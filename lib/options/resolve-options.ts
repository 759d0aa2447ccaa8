/* oxlint-disable import/no-cycle -- until bridge.ts and the last lines of module.options.ts are gone */
import { formatType } from '../format-value.js';
import { VENDORS, type Vendor } from '../vendors/index.js';
import { AuthKitCacheOptions } from './cache.options.js';
import { EXTRA_NAMES } from './controller.options.js';
import { AuthKitGrantOptions, type GrantOptions } from './grant.options.js';
import { AuthKitHttpOptions } from './http.options.js';
import { DEFAULT_LIMITS, LIMITS, type Limits } from './limits.js';
import {
  AuthKitModuleOptions,
  type SecretKeyResolver,
} from './module.options.js';
import { Secret } from './secret.js';
import { isPlainObject, validateOptions } from './validation.js';

/** The options that have no default. */
type OptionalName =
  | 'scope'
  | 'connection'
  | 'allowIntegration'
  | 'messages'
  | 'labels'
  | 'onConnected'
  | 'onDisconnected'
  | 'onConnectionLost';

/** The options of a registration, validated and with their defaults: what `AUTHKIT_OPTIONS` injects. */
export interface ResolvedOptions
  extends
    Required<
      Omit<
        AuthKitModuleOptions,
        OptionalName | 'secretKey' | 'cache' | 'http' | 'grant' | typeof LIMITS
      >
    >,
    Pick<AuthKitModuleOptions, OptionalName> {
  /** The name of the registration, if it has one. */
  registration?: string;
  secretKey: Secret<string | SecretKeyResolver>;
  cache: Required<AuthKitCacheOptions>;
  /** Secret: an agent's sockets hold the headers of the requests in flight. */
  http?: Secret<AuthKitHttpOptions>;
  grant?: GrantOptions;
  [LIMITS]: Limits;
}

/** Names a registration in a sentence, if it has a name: ` of the registration "eu"`. */
export function ofRegistration(name: string | undefined): string {
  return name === undefined
    ? ''
    : ` of the registration ${JSON.stringify(name)}`;
}

/** What the static part of a registration says about the options. */
export interface StaticSettings {
  /** The name of the registration. */
  readonly name?: string;
  /** Whether the routes use grants, and so need a `grant.secret`. */
  readonly needsGrants: boolean;
  /** Whether there is a factory, or there are options. */
  readonly hasFactory: boolean;
  /** What is wrong with the static part. */
  readonly errors: readonly string[];
  /** The limits of a test, which Nest drops from the options of `forRoot()`. */
  readonly limits?: Partial<Limits>;
}

const GROUPS = {
  cache: AuthKitCacheOptions,
  http: AuthKitHttpOptions,
  grant: AuthKitGrantOptions,
};

const GONE = {
  'cache.store':
    'it is gone in 0.3. The cache is in memory; for single-use grants across instances pass grant: { singleUse: { add } }.',
  'cache.integrations':
    'it is gone in 0.3. Integrations are fetched for each token, in parallel. Remove it.',
  pageSize: 'it is gone in 0.3. Pages have 150 rows. Remove it.',
  concurrency:
    'it is gone in 0.3. Up to 10 pages of a token are fetched in parallel. Remove it.',
  maxPages: 'it is gone in 0.3. Up to 100 pages are accepted. Remove it.',
  pageHint:
    'it is gone in 0.3. As many pages are fetched in parallel as the previous token had. Remove it.',
  maxBytesInFlight:
    'it is gone in 0.3. Up to 256 MB of responses are held at once. Remove it.',
};

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ...GONE,
  ...Object.fromEntries(
    EXTRA_NAMES.map((name) => [
      name,
      `it belongs beside useFactory, not into what the factory returns: forRootAsync({ ${name}: …, useFactory: … }).`,
    ]),
  ),
};

/**
 * Validates the options of one registration and fills in the defaults.
 *
 * @throws {Error} that names each invalid option, what was given (never a secret) and what is expected
 */
export function resolveOptions(
  given: AuthKitModuleOptions | undefined,
  settings: StaticSettings,
): ResolvedOptions {
  const errors = [...settings.errors];
  const options = settings.hasFactory
    ? validate(given, settings.needsGrants, errors)
    : undefined;
  if (!options || errors.length > 0) throw invalidOptions(errors, settings);
  const { secretKey, http, grant, vendor } = options;
  return {
    ...(options as Required<AuthKitModuleOptions>),
    registration: settings.name,
    secretKey: new Secret(secretKey),
    baseUrl: options.baseUrl ?? VENDORS[vendor!].baseUrl,
    paging: options.paging ?? VENDORS[vendor!].paging,
    cache: options.cache as Required<AuthKitCacheOptions>,
    http: http && new Secret(http),
    grant: grant && {
      ...(grant as Required<AuthKitGrantOptions>),
      secret: new Secret(grant.secret),
    },
    [LIMITS]: { ...DEFAULT_LIMITS, ...settings.limits, ...given?.[LIMITS] },
  };
}

/** The error with which an app does not boot. */
export function invalidOptions(
  errors: readonly string[],
  { name }: Pick<StaticSettings, 'name'>,
): Error {
  const registration = name === undefined ? '' : ` ${JSON.stringify(name)}`;
  return new Error(
    `AuthKitModule${registration}: invalid options.\n${errors.map((error) => `  - ${error}`).join('\n')}`,
  );
}

function validate(
  given: AuthKitModuleOptions | undefined,
  needsGrants: boolean,
  errors: string[],
): AuthKitModuleOptions | undefined {
  if (!isPlainObject(given)) {
    // Not its length: it may be the key alone.
    const type = typeof given === 'string' ? 'a string' : formatType(given);
    errors.push(
      `the options are ${type}; they must be an object with at least a secretKey. ` +
        'Does the factory of forRootAsync() return it?',
    );
    return undefined;
  }
  const { options, errors: invalid } = validateOptions(
    AuthKitModuleOptions,
    needsGrants ? { ...given, grant: given.grant ?? {} } : given,
    { groups: GROUPS, explanations: EXPLANATIONS },
  );
  errors.push(...invalid);
  const vendor: Vendor | undefined = VENDORS[options.vendor!];
  const paging = options.paging ?? vendor?.paging;
  const singleUse = options.grant?.singleUse;
  if (singleUse && paging === 'forward') {
    errors.push(
      `grant.singleUse: given ${singleUse === true ? 'true' : 'an object'} with paging 'forward', by which the widget requests every page with the same grant; ` +
        "it must be false, or set paging: 'all'.",
    );
  }
  if (options.scope && vendor && !vendor.scopeHeaders) {
    errors.push(
      `scope: given with vendor '${options.vendor}', which has no organizations and projects; set vendor: 'one', or no scope.`,
    );
  }
  return options;
}
