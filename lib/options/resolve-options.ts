import { Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import { formatType } from '../format-value.js';
import type { IdentityExtractor } from '../identity/extract-identity.js';
import { VENDORS, type AuthKitVendor, type Vendor } from '../vendors/index.js';
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
  readonly reveal: () => T;

  constructor(value: T) {
    this.reveal = () => value;
  }
}

/** The options of a registration, validated and with their defaults: what `AUTHKIT_OPTIONS` injects. */
export interface ResolvedOptions extends Omit<
  AuthKitModuleOptions,
  'secretKey' | 'http' | 'grant'
> {
  /** The name of the registration, if it has one. */
  registration?: string;
  secretKey: Secret<string | SecretKeyResolver>;
  vendor: AuthKitVendor;
  baseUrl: string;
  identity: IdentityExtractor;
  timeout: number;
  attemptTimeout: number;
  retries: number;
  paging: 'all' | 'forward';
  cache: Required<AuthKitCacheOptions>;
  allowedOrigins: string[];
  pageOrigins: string[];
  /** Secret: an agent's sockets hold the headers of the requests in flight. */
  http?: Secret<AuthKitHttpOptions>;
  grant?: Required<Pick<AuthKitGrantOptions, 'ttl' | 'singleUse' | 'issuer'>> &
    Pick<AuthKitGrantOptions, 'url' | 'audience'> & {
      secret: Secret<string | string[]>;
    };
  [LIMITS]: Limits;
}

/** Names a registration in a sentence, if it has a name: ` of the registration "eu"`. */
export const ofRegistration = (name: string | undefined): string =>
  name === undefined ? '' : ` of the registration ${JSON.stringify(name)}`;

/** What the static part of a registration says about the options. */
export interface StaticSettings {
  readonly name?: string;
  /** Whether `grant.secret` is required. */
  readonly needsGrants: boolean;
  readonly errors: readonly string[];
  /** The limits of a test, which Nest drops from the options of `forRoot()`. */
  readonly limits?: Partial<Limits>;
}

const GROUPS = {
  cache: AuthKitCacheOptions,
  http: AuthKitHttpOptions,
  grant: AuthKitGrantOptions,
};

/** What replaces the options that are gone. */
const GONE: Readonly<Record<string, string>> = {
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

/** What to say of a name that is no option of the module. */
const explain = (name: string): string | undefined =>
  EXTRA_NAMES.includes(name)
    ? 'it belongs beside useFactory, not into what the factory returns.'
    : GONE[name] && `it is gone in 0.3. ${GONE[name]}`;

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
  if (!options || errors.length > 0)
    throw invalidOptions(errors, settings.name);
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
export function invalidOptions(errors: string[], name?: string): Error {
  return new Error(
    `AuthKitModule${ofRegistration(name)}: invalid options.\n${errors.map((error) => `  - ${error}`).join('\n')}`,
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
  const grant = given.grant ?? (needsGrants ? {} : undefined);
  const options = validateOptions(
    AuthKitModuleOptions,
    { ...given, grant },
    errors,
    '',
    explain,
  );
  for (const [name, Group] of Object.entries(GROUPS)) {
    const value = options[name as keyof typeof GROUPS];
    if (value === undefined) continue;
    const group = validateOptions<object>(Group, value, errors, name, explain);
    Object.assign(options, { [name]: group });
  }
  const vendor: Vendor | undefined = VENDORS[options.vendor!];
  const singleUse = options.grant?.singleUse;
  if (singleUse && (options.paging ?? vendor?.paging) === 'forward') {
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
