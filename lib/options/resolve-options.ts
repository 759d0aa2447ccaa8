import { Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import { formatType } from '../format-value.js';
import { VENDORS, type Vendor } from '../vendors/index.js';
import { EXTRA_NAMES } from './controller.options.js';
import { AuthKitGrantOptions } from './grant.options.js';
import { AuthKitHttpOptions } from './http.options.js';
import { DEFAULT_LIMITS, LIMITS, type Limits } from './limits.js';
import {
  AuthKitCacheOptions,
  AuthKitModuleOptions,
  type SecretKeyResolver,
} from './module.options.js';
import { isPlainObject, validateOptions } from './validation.js';

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

/** The options that are as given. */
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
        OptionalName | 'secretKey' | 'http' | 'grant' | typeof LIMITS
      >
    >,
    Pick<AuthKitModuleOptions, OptionalName> {
  /** The name of the registration, if it has one. */
  registration?: string;
  secretKey: Secret<string | SecretKeyResolver>;
  cache: Required<AuthKitCacheOptions>;
  /** Secret: an agent's sockets hold the headers of the requests in flight. */
  http?: Secret<AuthKitHttpOptions>;
  grant?: Required<Pick<AuthKitGrantOptions, 'ttl' | 'singleUse' | 'issuer'>> &
    Pick<AuthKitGrantOptions, 'url' | 'audience'> & {
      secret: Secret<string | string[]>;
    };
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
  /** Whether `grant.secret` is required. */
  readonly needsGrants: boolean;
  /** What is wrong with the static part. */
  readonly errors: readonly string[];
  /** The limits of a test, which Nest drops from the options of `forRoot()`. */
  readonly limits?: Partial<Limits>;
}

/** What replaces the options that are gone. */
const GONE = {
  'cache.store':
    'The cache is in memory; for single-use grants across instances pass grant: { singleUse: { add } }.',
  'cache.integrations':
    'Integrations are fetched for each token, in parallel. Remove it.',
  pageSize: 'Pages have 150 rows. Remove it.',
  concurrency: 'Up to 10 pages of a token are fetched in parallel. Remove it.',
  maxPages: 'Up to 100 pages are accepted. Remove it.',
  pageHint: 'The number of pages of the last token serves. Remove it.',
  maxBytesInFlight: 'Up to 256 MB of responses are held at once. Remove it.',
};

const EXPLANATIONS: Readonly<Record<string, string>> = Object.fromEntries([
  ...Object.entries(GONE).map(([name, instead]) => [
    name,
    `it is gone in 0.3. ${instead}`,
  ]),
  ...EXTRA_NAMES.map((name) => [
    name,
    `it belongs beside useFactory, not into what the factory returns: forRootAsync({ ${name}: …, useFactory: … }).`,
  ]),
]);

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
  const options = validate(given, settings.needsGrants, errors);
  if (!options || errors.length > 0) throw invalidOptions(errors, settings);
  const { secretKey, http, grant } = options;
  const vendor = VENDORS[options.vendor!];
  return {
    ...(options as Required<AuthKitModuleOptions>),
    registration: settings.name,
    secretKey: new Secret(secretKey),
    baseUrl: options.baseUrl ?? vendor.baseUrl,
    paging: options.paging ?? vendor.paging,
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

/** Warns of a `baseUrl` that ends with the version of the API. */
export function warnOfVersion({ baseUrl }: ResolvedOptions): void {
  const [path] = /\/v\d+(?=\/?$)/.exec(new URL(baseUrl).pathname) ?? [];
  if (!path) return;
  new Logger(AUTHKIT_LOG_CONTEXT).warn(
    `baseUrl ends with ${path}, and the module adds /v1 itself. Leave the version out of baseUrl (AUTHKIT_BASE_URL).`,
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
      `the options are ${type}; they must be an object with at least a secretKey, which useFactory, useClass or useExisting of forRootAsync() returns.`,
    );
    return undefined;
  }
  const options = validateOptions(
    AuthKitModuleOptions,
    given,
    errors,
    '',
    EXPLANATIONS,
  );
  const group = <T extends object>(
    Options: new () => T,
    name: string,
    value: unknown,
  ) =>
    value === undefined
      ? undefined
      : validateOptions(Options, value, errors, name, EXPLANATIONS);
  options.cache = group(AuthKitCacheOptions, 'cache', options.cache);
  options.http = group(AuthKitHttpOptions, 'http', options.http);
  options.grant = group(
    AuthKitGrantOptions,
    'grant',
    options.grant ?? (needsGrants ? {} : undefined),
  );
  const vendor: Vendor | undefined = VENDORS[options.vendor!];
  const { scope, grant } = options;
  if (grant?.singleUse && (options.paging ?? vendor?.paging) === 'forward') {
    errors.push(
      `grant.singleUse: given ${grant.singleUse === true ? 'true' : 'an object'} with paging 'forward', by which the widget requests every page with the same grant; ` +
        "it must be false, or set paging: 'all'.",
    );
  }
  if (scope && vendor && !vendor.scopeHeaders) {
    errors.push(
      `scope: given with vendor '${options.vendor}', which has no organizations and projects; set vendor: 'one', or no scope.`,
    );
  }
  return options;
}
