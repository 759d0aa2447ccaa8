import { IsOptional } from 'class-validator';
import type { AuthKitErrorReason } from '../authkit.exception.js';
import type { AuthKitIntegration } from '../authkit.types.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import {
  ExtractIdentity,
  type IdentityExtractor,
} from '../identity/extract-identity.js';
import {
  MAX_PAGE_SIZE,
  VENDORS,
  type Vendor,
  type AuthKitVendor,
} from '../vendors/index.js';
import { CacheOptions, type AuthKitCacheOptions } from './cache.options.js';
import { isConnectionLabel } from './connection-label.js';
import { EXTRA_NAMES } from './controller.options.js';
import { GrantOptions, type AuthKitGrantOptions } from './grant.options.js';
import {
  HttpOptions,
  type AuthKitHttpOptions,
} from './proxy-and-agents.options.js';
import {
  DefaultsTo,
  IsBoolean,
  IsFunction,
  isHttpUrl,
  IsInRange,
  IsNested,
  IsOneOf,
  IsSecret,
  MAX_TIMEOUT_MS,
  nearestName,
  optionNames,
  Satisfies,
  validateOptions,
  type Nested,
  type OptionsInput,
  type Secret,
} from './validation.js';
import type {
  AuthKitConnection,
  AuthKitConnectionLabel,
} from '../authkit.types.js';
import { formatType } from '../format-value.js';

/**
 * Returns the secret key for one request to Pica, so that keys can rotate and
 * every tenant can have its own. Its time counts toward `timeout`.
 *
 * @param identity the identity that the request is for; `undefined` where `create()` was called without one
 */
export type SecretKeyResolver = (
  identity: AuthKitIdentity | undefined,
) => string | Promise<string>;

/** One's own tenant. */
export interface AuthKitScope {
  /** A UUID. Sent as `X-One-Organization-Id`. */
  organizationId?: string;
  /** A UUID. Sent as `X-One-Project-Id`. */
  projectId?: string;
}

/**
 * Returns the scope for an identity. Its time counts toward `timeout`.
 *
 * @param identity `undefined` where `create()` was called without one
 */
export type ScopeResolver = (
  identity: AuthKitIdentity | undefined,
) => AuthKitScope | undefined | Promise<AuthKitScope | undefined>;

/**
 * Whether a value is a scope whose ids can be sent as header values. A list, a
 * promise or a map is none: it would select the personal scope of the key.
 */
export function isScope(value: unknown): value is AuthKitScope {
  if (Object.prototype.toString.call(value) !== '[object Object]') return false;
  const { organizationId, projectId, ...others } = value as AuthKitScope;
  return (
    Object.keys(others).length === 0 &&
    [organizationId, projectId].every(
      (id) =>
        id === undefined ||
        (typeof id === 'string' && /^[\x21-\x7e]{1,256}$/.test(id)),
    )
  );
}

/**
 * Returns name and tags of the connections that come of a token. Its time counts
 * toward `timeout`.
 *
 * @param identity `undefined` where `create()` was called without one
 */
export type ConnectionLabelResolver = (
  identity: AuthKitIdentity | undefined,
) =>
  | AuthKitConnectionLabel
  | undefined
  | Promise<AuthKitConnectionLabel | undefined>;

/**
 * Decides whether an identity is offered an integration.
 *
 * @param integration the row of the integration, deeply frozen
 * @param identity `undefined` where `create()` was called without one
 */
export type IntegrationFilter = (
  integration: AuthKitIntegration,
  identity: AuthKitIdentity | undefined,
) => boolean;

/**
 * Called with a connection that a page has confirmed.
 *
 * @param connection the connection, with all its fields
 * @param owner its owner, the caller of the route
 * @param more `replaced`: the connection that it replaces, which is deleted once
 *   this function has succeeded; `others`: the owner's other connections of the same platform
 */
export type ConnectedListener = (
  connection: AuthKitConnection,
  owner: AuthKitIdentity,
  more: {
    readonly replaced?: AuthKitConnection;
    readonly others: readonly AuthKitConnection[];
  },
) => void | Promise<void>;

/**
 * Returns the message of an error response, e.g. a translated one.
 *
 * @param reason why the request failed
 * @param identity the caller; `undefined` before the guards have identified it
 * @param request the request of the platform (Express or Fastify)
 * @returns at most 500 characters; `undefined` for the default message
 */
export type MessageResolver = (
  reason: AuthKitErrorReason,
  identity: AuthKitIdentity | undefined,
  // A request is whatever platform, guards and middleware made of it.
  // oxlint-disable-next-line typescript/no-explicit-any
  request: any,
) => string | undefined;

/**
 * Whether a value can be sent as a secret key: visible ASCII, as HTTP header
 * values allow it. A line break from a file, a space from a copy or a
 * typographic dash would make every request fail, or worse, split the header.
 * Quotes come from a `.env` file, and a `pk_…` key is the public one.
 */
export function isSecretKey(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    /^[\x21-\x7e]+$/.test(value) &&
    !isQuoted(value) &&
    !isPublishableKey(value)
  );
}

const isQuoted = (key: string): boolean => /^["'`]|["'`]$/.test(key);
const isPublishableKey = (key: string): boolean => /^pk_/i.test(key);

/** A refused key: its type or what is wrong with its characters, never the key. */
export function formatSecretKey(value: unknown): string {
  if (typeof value !== 'string' || value === '') return formatType(value);
  if (value.trim() === '') return 'a blank string';
  if (isQuoted(value.trim())) {
    return 'a string with quotes around the key, which the file or the shell has not removed';
  }
  if (isPublishableKey(value.trim())) {
    return 'a publishable key (pk_…), which is not the secret one';
  }
  return 'a string with spaces, line breaks or characters beyond ASCII';
}

/** Whether a value is an origin as browsers send it. `*` and `null` are none. */
function isOrigin(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*,]+$/.test(value)) return false;
  return value === toOrigin(value);
}

function isPageOrigin(value: unknown): boolean {
  if (!isOrigin(value)) return false;
  const { protocol, hostname } = new URL(value as string);
  return protocol !== 'http:' || isLoopback(hostname);
}

/** The origin of a URL; `undefined` where it has none. */
function toOrigin(value: string): string | undefined {
  if (!URL.canParse(value)) return undefined;
  const { origin, protocol, host } = new URL(value);
  if (/^https?:$/.test(protocol)) return origin;
  return host ? `${protocol}//${host.toLowerCase()}` : undefined;
}

/** What to write instead of the refused entries of a list of origins, where they show what was meant. */
function suggestOrigins(
  value: unknown,
  isValid: (entry: unknown) => boolean,
): string {
  if (!Array.isArray(value)) return '';
  const corrections = value
    .filter((entry) => typeof entry === 'string' && !isValid(entry))
    .flatMap((entry: string) => {
      const text = entry.trim();
      const withScheme = text.includes('.') ? `https://${text}` : text;
      const origin = toOrigin(text) ?? toOrigin(withScheme) ?? '';
      const secure = origin.replace(/^http:/, 'https:');
      return [origin, secure].find(isValid) ?? [];
    })
    // Bounded: a list may be long.
    .slice(0, 5);
  return corrections.length > 0
    ? `; write ${corrections.map((origin) => `'${origin}'`).join(', ')}`
    : '';
}

const expectedOrigins =
  (expected: string, isValid: (entry: unknown) => boolean) =>
  (value: unknown): string =>
    `${expected}${suggestOrigins(value, isValid)}`;

/** Whether a URL sends the secret key to the vendor in clear. */
function isInsecureVendor({ protocol, hostname }: URL): boolean {
  const hosts = Object.values(VENDORS).map(
    ({ baseUrl }) => new URL(baseUrl).hostname,
  );
  return protocol === 'http:' && hosts.includes(hostname.replace(/\.$/, ''));
}

/** Whether a host is this machine. */
export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

/** The options of a registration. Each property declares type, default, rule and message of one option. */
export class ModuleOptions {
  /**
   * The secret key (`sk_test_…` or `sk_live_…`) from the dashboard, or a
   * function that returns it, for rotation or for one key per tenant. It is
   * sent to the vendor's API and nowhere else.
   */
  @IsSecret()
  @Satisfies(
    'the secret key from the dashboard (sk_test_… or sk_live_…), without spaces or line breaks, or a function that returns it: ' +
      'pass secretKey, or set PICA_SECRET_KEY (ONE_SECRET_KEY for One) and use authKitConfig',
    (value) => typeof value === 'function' || isSecretKey(value),
    formatSecretKey,
  )
  secretKey!: Secret<string | SecretKeyResolver>;

  /**
   * The service to call: `'pica'`, or `'one'`, the name it took in March 2026.
   * @default 'pica'
   */
  @IsOneOf(Object.keys(VENDORS))
  vendor: AuthKitVendor = 'pica';

  /**
   * The root URL of the API, for tests and proxies. It may have a path.
   * @default the vendor's: `https://api.picaos.com` or `https://api.withone.ai`
   */
  @DefaultsTo<ModuleOptions>(({ vendor }) => VENDORS[vendor].baseUrl)
  @Satisfies(
    (value) =>
      isHttpUrl(value)
        ? `https: for the host of the vendor, which http: would send the secret key in clear: write '${value.replace(/^http:/i, 'https:')}'`
        : 'an http: or https: URL without credentials, query or fragment, such as https://api.picaos.com',
    (value) => isHttpUrl(value) && !isInsecureVendor(new URL(value)),
  )
  baseUrl!: string;

  /**
   * Extracts the identity of the caller from a request.
   * @default ExtractIdentity.fromUser()
   */
  @IsFunction('a function of the request, such as ExtractIdentity.fromUser()')
  identity: IdentityExtractor = ExtractIdentity.fromUser();

  /**
   * The timeout of a whole token in ms, with every call, wait and retry.
   * @default 10_000
   */
  @IsInRange(1, MAX_TIMEOUT_MS, 'milliseconds')
  timeout: number = 10_000;

  /**
   * The timeout of one call to Pica in ms.
   * @default 5_000
   */
  @IsInRange(1, MAX_TIMEOUT_MS, 'milliseconds')
  attemptTimeout: number = 5_000;

  /**
   * The number of times to retry a failed call. 0 to 10.
   * @default 3
   */
  @IsInRange(0, 10)
  retries: number = 3;

  /**
   * The number of rows on a page. 1 to 150, the maximum of the service.
   * @default 150
   */
  @IsInRange(1, MAX_PAGE_SIZE)
  pageSize: number = 150;

  /**
   * The number of pages of one token that are fetched in parallel. 1 to 100.
   * @default 10
   */
  @IsInRange(1, 100)
  concurrency: number = 10;

  /**
   * The maximum number of pages accepted. A response that announces more is invalid. 1 to 10,000.
   * @default 100
   */
  @IsInRange(1, 10_000)
  maxPages: number = 100;

  /**
   * Whether to store, for each secret key, scope and tenant, how many pages the
   * previous response had, and to fetch that many in parallel: one round trip instead of two. A
   * wrong hint costs a few calls, never a wrong token.
   * @default true
   */
  @IsBoolean()
  pageHint: boolean = true;

  /**
   * What to cache between tokens, and where. With `integrations`, a token of any
   * size takes one call to Pica. Read {@link AuthKitCacheOptions.integrations} first.
   * @default the account's flags, in memory
   */
  @IsNested(CacheOptions)
  cache: Nested<CacheOptions, AuthKitCacheOptions> = new CacheOptions();

  /**
   * The maximum number of bytes of Pica's responses that are held at once, of
   * all pending requests of this registration. Beyond it a request fails with
   * `rate_limited`.
   * @default 268_435_456 (256 MB)
   */
  @IsInRange(1, Number.MAX_SAFE_INTEGER, 'bytes')
  maxBytesInFlight: number = 256 * 1024 * 1024;

  /**
   * What the token route sends: `'all'` rows as one page, whatever the widget
   * requests, or `'forward'`, which passes the widget's `page` and `limit` to Pica.
   * @default 'all' for `pica`, 'forward' for `one`, as their widgets expect it
   */
  @DefaultsTo<ModuleOptions>(({ vendor }) => VENDORS[vendor].paging)
  @IsOneOf(['all', 'forward'])
  paging!: 'all' | 'forward';

  /**
   * How requests leave the machine: proxies and private certificate authorities.
   * @default keep-alive agents of the module's own
   */
  @IsOptional()
  @IsSecret() // An agent's sockets hold the headers of the requests in flight.
  @IsNested(HttpOptions)
  http?: Secret<AuthKitHttpOptions>;

  /**
   * Origins that may call the token route from a browser, beside the vendor's
   * widget, e.g. `['https://app.example']`. Each is written as
   * `new URL(page).origin` gives it, or as `scheme://host` in lower case where the
   * scheme is another, e.g. `capacitor://localhost`. No wildcards.
   * @default []
   */
  @Satisfies(
    expectedOrigins(
      "a list of origins, each as new URL(page).origin gives it (another scheme than http: and https: as scheme://host in lower case), such as ['https://app.example']; '*' and 'null' are none",
      isOrigin,
    ),
    (value) => Array.isArray(value) && value.every(isOrigin),
  )
  allowedOrigins: string[] = [];

  /**
   * Origins of the app's own pages, e.g. `['https://app.example']`. They may
   * call the grant route and the routes for connections from another origin
   * than the API's, with cookies: those routes send CORS headers with
   * credentials for exactly these origins. `http:` is accepted for this machine only.
   * @default []
   */
  @Satisfies(
    expectedOrigins(
      "a list of origins of the app's own pages, each as new URL(page).origin gives it (another scheme than http: and https: as scheme://host in lower case), such as ['https://app.example']; http: for this machine only; '*' and 'null' are none",
      isPageOrigin,
    ),
    (value) => Array.isArray(value) && value.every(isPageOrigin),
  )
  pageOrigins: string[] = [];

  /**
   * One's own tenant: an organization, a project in it, or a function of the
   * identity that returns them. Sent as `X-One-Organization-Id` and
   * `X-One-Project-Id` with every call. Only with `vendor: 'one'`.
   * @default none: the personal scope of the secret key
   */
  @IsOptional()
  @Satisfies(
    'an object of { organizationId?, projectId? }, each 1 to 256 visible ASCII characters, or a function of the identity that returns one',
    (value) => typeof value === 'function' || isScope(value),
  )
  scope?: AuthKitScope | ScopeResolver;

  /**
   * Name and tags of the connections that come of a token, or a function of the
   * identity that returns them. `create(identity, { name, tags })` takes precedence.
   * @default none
   */
  @IsOptional()
  @Satisfies(
    'an object of { name?, tags? }: a name of up to 256 characters, and up to 32 tags of 1 to 128 characters; or a function of the identity that returns one',
    (value) => typeof value === 'function' || isConnectionLabel(value),
  )
  connection?: AuthKitConnectionLabel | ConnectionLabelResolver;

  /**
   * Decides which integrations an identity is offered: `true` keeps one, `false`
   * removes it. Anything else, a promise included, and an error fail the token.
   * **It decides what the widget shows and is no access control**: whoever knows
   * another integration's row can connect it. Disable in the dashboard what must
   * not be used, or use `scope`. For a page of a token (`paging: 'forward'`),
   * `total` and `pages` stay those of the service.
   *
   * @example
   * ```ts
   * allowIntegration: ({ title }, identity) =>
   *   identity?.tenant === 'acme' || title === 'Gmail',
   * ```
   * @default all integrations
   */
  @IsOptional()
  @IsFunction('a function of the integration and the identity')
  allowIntegration?: IntegrationFilter;

  /**
   * Called when a page has confirmed a connection by `POST` to the routes for
   * connections, before the response is sent. The app stores what it needs, or
   * starts an import. If it throws, the page gets the error and may confirm
   * again, so **it must be idempotent**.
   *
   * @example
   * ```ts
   * AuthKitModule.forRootAsync({
   *   imports: [AccountsModule],
   *   inject: [AccountsService],
   *   useFactory: (accounts: AccountsService) => ({
   *     ...authKitConfig(),
   *     onConnected: ({ id, platform }, owner) =>
   *       accounts.upsertConnection(owner.identity, platform, id),
   *   }),
   * });
   * ```
   * @default none
   */
  @IsOptional()
  @IsFunction('a function of the connection and its owner')
  onConnected?: ConnectedListener;

  /**
   * Returns the `message` of an error response of the module's routes: what the
   * widget shows to the user. Use it to translate. Where it returns `undefined`,
   * something that is no string, a blank string or more than 500 characters, or
   * throws, the default message is sent. It is called for every
   * `AuthKitException`, and not for errors of the app's own guards.
   *
   * @example
   * ```ts
   * messages: (reason, _identity, request) =>
   *   translate(`authkit.${reason}`, request.headers['accept-language']),
   * ```
   * @default English messages, one for each reason
   */
  @IsOptional()
  @IsFunction('a function of the reason, the identity and the request')
  messages?: MessageResolver;

  /**
   * Signs the grants of `controller: { grants: true }` and of
   * `AuthKitGrantService`. Needs the package `jose`.
   * @default none: there are no grants
   */
  @IsOptional()
  @IsNested(GrantOptions)
  grant?: Nested<GrantOptions, AuthKitGrantOptions>;
}

/**
 * The options of the module, from `forRoot()` or from a factory of `forRootAsync()`.
 * They are validated at boot. An invalid option stops the app with a message that says what to do.
 */
export interface AuthKitModuleOptions extends OptionsInput<
  ModuleOptions,
  'secretKey'
> {}

/** A class that creates the options, for `useClass` and `useExisting` of `forRootAsync()`. */
export interface AuthKitOptionsFactory {
  createAuthKitOptions(): AuthKitModuleOptions | Promise<AuthKitModuleOptions>;
}

/** The options of a registration, and its name. */
export interface RegisteredOptions extends ModuleOptions {
  /** The name of the registration, where it has one. */
  readonly registration?: string;
}

/** Names a registration in a sentence, where it has a name: ` of the registration "eu"`. */
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
}

/**
 * Validates the options of one registration and fills in the defaults.
 *
 * @throws {Error} that names each invalid option, what was given (never a secret) and what is expected
 */
export function resolveOptions(
  given: AuthKitModuleOptions | undefined,
  settings: StaticSettings,
): RegisteredOptions {
  const { errors: staticErrors, hasFactory, name } = settings;
  const { options, errors } = hasFactory
    ? validateModuleOptions(given as AuthKitModuleOptions, settings)
    : { options: new ModuleOptions(), errors: [] };
  const all = [...staticErrors, ...errors];
  if (all.length > 0) throw invalidOptions(all, settings);
  return Object.assign(options, { registration: name });
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

function validateModuleOptions(
  given: AuthKitModuleOptions,
  { needsGrants }: StaticSettings,
): { options: ModuleOptions; errors: string[] } {
  if (typeof given !== 'object' || given === null) {
    const type =
      given === undefined || given === null
        ? String(given)
        : `a ${typeof given}`;
    const error =
      `the options are ${type}; expected an object with at least a secretKey. ` +
      'Does the factory of forRootAsync() return it?';
    return { options: new ModuleOptions(), errors: [error] };
  }
  const { options, errors } = validateOptions(
    ModuleOptions,
    needsGrants ? { ...given, grant: given.grant ?? {} } : given,
    {
      typeName: 'AuthKitModuleOptions',
      secrets: [given.secretKey, given.grant?.secret].flat(),
      explainUnknown: explainStatic,
    },
  );
  const { vendor: name = 'pica', paging = VENDORS[name]?.paging } = given;
  if (given.grant?.singleUse === true && paging === 'forward') {
    errors.push(
      "grant.singleUse: given true with paging 'forward', by which the widget requests every page with the same grant; " +
        "expected false, or paging: 'all'.",
    );
  }
  const profile: Vendor | undefined = VENDORS[name];
  if (given.scope && profile && !profile.scopeHeaders) {
    errors.push(
      `scope: given with vendor '${name}', which has no organizations and projects; expected vendor: 'one', or no scope.`,
    );
  }
  return { options, errors };
}

/** Explains an option that belongs beside the options or the factory, or is a misspelt one of those. */
function explainStatic(name: string): string | undefined {
  if (EXTRA_NAMES.includes(name)) {
    return `it belongs beside useFactory, not into what the factory returns: forRootAsync({ ${name}: …, useFactory: … })`;
  }
  const extra = nearestName(name, EXTRA_NAMES);
  return extra && !nearestName(name, optionNames(ModuleOptions))
    ? `there is no such option; did you mean ${extra}, beside the options or the factory?`
    : undefined;
}
