import { Allow, IsOptional } from 'class-validator';
import {
  breachesOf,
  isPlainUrl,
  LONGEST_TIMER,
  Must,
  OneOf,
  showValue,
  WholeNumber,
} from './authkit.options-rules.js';
import type {
  AuthKitModuleOptions,
  ResolvedAuthKitOptions,
} from './authkit.options.js';
import {
  faultsOfCache,
  resolveCache,
} from './cache/cache.options-validation.js';
import {
  faultsOfGrant,
  resolveGrant,
} from './grant/grant.options-validation.js';
import { ExtractIdentity } from './identity/extract-identity.js';
import { isSecretKey } from './pica/secret-key.js';
import { MAX_PAGE_SIZE, VENDORS } from './pica/vendors.js';

/** The rules of {@link AuthKitModuleOptions}, one for each option. */
class AuthKitOptionsRules {
  @Must(
    'the secret key from the dashboard (sk_test_… or sk_live_…), without spaces or line breaks, or a function that gives it: ' +
      'pass secretKey, or set PICA_SECRET_KEY (ONE_SECRET_KEY for One) and use authKitConfig',
    (value) => typeof value === 'function' || isSecretKey(value),
  )
  secretKey!: unknown;

  @IsOptional()
  @OneOf(Object.keys(VENDORS))
  vendor?: unknown;

  @IsOptional()
  @Must(
    'an http: or https: URL without credentials, query or fragment, such as https://api.picaos.com',
    isPlainUrl,
  )
  baseUrl?: unknown;

  @IsOptional()
  @Must(
    'a function of the request, such as ExtractIdentity.fromUser()',
    (value) => typeof value === 'function',
  )
  identity?: unknown;

  @IsOptional()
  @WholeNumber(1, LONGEST_TIMER, ' of milliseconds')
  timeout?: unknown;

  @IsOptional()
  @WholeNumber(1, LONGEST_TIMER, ' of milliseconds')
  attemptTimeout?: unknown;

  @IsOptional()
  @WholeNumber(0, 10)
  retries?: unknown;

  @IsOptional()
  @WholeNumber(1, MAX_PAGE_SIZE)
  pageSize?: unknown;

  @IsOptional()
  @WholeNumber(1, 100)
  concurrency?: unknown;

  @IsOptional()
  @WholeNumber(1, 10_000)
  maxPages?: unknown;

  @IsOptional()
  @Must('true or false', (value) => typeof value === 'boolean')
  pageHint?: unknown;

  /** It has rules of its own. */
  @Allow()
  cache?: unknown;

  @IsOptional()
  @OneOf(['all', 'forward'])
  paging?: unknown;

  @IsOptional()
  @Must('an object of { proxy?, httpAgent?, httpsAgent? }', isHttpOptions)
  http?: unknown;

  @IsOptional()
  @Must(
    "a list of origins, each scheme://host or scheme://host:port without a path, such as ['https://app.example']; '*' is not one",
    (value) => Array.isArray(value) && value.every(isOrigin),
  )
  allowedOrigins?: unknown;

  /** It has rules of its own. */
  @Allow()
  grant?: unknown;
}

/**
 * Validates the options of one registration and fills in the defaults.
 *
 * @param needs `grants`: whether the controller asks for them, and so for a `grant.secret`
 * @throws {Error} that names each bad option, what was given (never the key) and what is wanted
 */
export function resolveOptions(
  given: AuthKitModuleOptions,
  { grants = false }: { grants?: boolean } = {},
): ResolvedAuthKitOptions {
  if (typeof given !== 'object' || given === null) {
    throw new Error(
      `AuthKitModule: the options are ${kindOf(given)}; expected an object with at least a secretKey. ` +
        'Does the factory of forRootAsync() return it?',
    );
  }
  const rules = Object.assign(new AuthKitOptionsRules(), given);
  const faults = breachesOf(rules).map(({ property, value, constraints }) =>
    constraints?.must
      ? `${property}: given ${show(property, value, given)}; expected ${constraints.must}.`
      : `${property}: ${unknownOption(property)}.`,
  );
  const { cache, grant } = given;
  if (isGiven(cache)) faults.push(...faultsOfCache(cache));
  if (grants || isGiven(grant)) {
    // `{ grants: true }` without a secret is a fault of the options, not of the first request.
    faults.push(...faultsOfGrant(grant ?? {}));
  }
  const { vendor: name = 'pica', paging = VENDORS[name]?.paging } = given;
  if (grant?.singleUse === true && paging === 'forward') {
    faults.push(
      "grant.singleUse: given true with paging 'forward', by which the widget asks for every page with the same grant; " +
        "expected false, or paging: 'all'.",
    );
  }
  if (faults.length > 0) {
    throw new Error(
      `AuthKitModule: bad options.\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
  }

  const vendor = VENDORS[given.vendor ?? 'pica'];
  const baseUrl = (given.baseUrl ?? vendor.baseUrl).replace(/\/+$/, '');
  const { secretKey, http } = given;
  // A stand-in on this machine is not behind the company's proxy, which `HTTP_PROXY` would send it through.
  const proxy = http?.proxy ?? (isLoopback(baseUrl) ? false : undefined);
  return {
    secretKey: typeof secretKey === 'function' ? secretKey : () => secretKey,
    vendor,
    baseUrl,
    identity: given.identity ?? ExtractIdentity.fromUser(),
    timeout: given.timeout ?? 10_000,
    attemptTimeout: given.attemptTimeout ?? 5_000,
    retries: given.retries ?? 2,
    pageSize: given.pageSize ?? 100,
    concurrency: given.concurrency ?? 10,
    maxPages: given.maxPages ?? 100,
    pageHint: given.pageHint ?? true,
    cache: isGiven(cache) ? resolveCache(cache) : undefined,
    paging: given.paging ?? vendor.paging,
    http: () => ({ ...http, proxy }),
    origins: [vendor.widgetOrigin, ...(given.allowedOrigins ?? [])],
    grant: isGiven(grant) ? resolveGrant(grant) : undefined,
  };
}

function isGiven<T>(value: T): value is NonNullable<T> {
  return value !== undefined && value !== null;
}

/** Not the value: it may be the key itself. */
function kindOf(given: unknown): string {
  return given === undefined || given === null
    ? String(given)
    : `a ${typeof given}`;
}

/** What was given, as far as it may be shown: nothing that is, or may be, the key. */
function show(
  property: string,
  value: unknown,
  { secretKey, grant }: AuthKitModuleOptions,
): string {
  if (property === 'secretKey') return showSecret(value);
  return showValue(value, [secretKey, grant?.secret].flat());
}

function showSecret(value: unknown): string {
  if (value === '') return 'an empty string';
  if (value === undefined || value === null) return 'nothing';
  if (typeof value !== 'string') return `a ${typeof value}`;
  if (value.trim() === '') return 'a blank string';
  return 'a string with spaces, line breaks or characters beyond ASCII';
}

function unknownOption(property: string): string {
  return ['controller', 'isGlobal', 'imports'].includes(property)
    ? `it belongs beside useFactory, not into what the factory returns: forRootAsync({ ${property}: …, useFactory: … })`
    : 'there is no such option; check its spelling against AuthKitModuleOptions';
}

function isLoopback(baseUrl: string): boolean {
  const { hostname } = new URL(baseUrl);
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

function isHttpOptions(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).every((key) =>
      ['proxy', 'httpAgent', 'httpsAgent'].includes(key),
    )
  );
}

function isOrigin(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*,]+$/.test(value) &&
    value === value.toLowerCase()
  );
}
