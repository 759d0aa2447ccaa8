import {
  IsIn,
  IsInt,
  IsOptional,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import type { AuthKitErrorReason } from '../authkit.exception.js';
import type {
  AuthKitConnection,
  AuthKitConnectionLabel,
  AuthKitIntegration,
} from '../authkit.types.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import {
  ExtractIdentity,
  type IdentityExtractor,
} from '../identity/extract-identity.js';
import { VENDORS, type AuthKitVendor } from '../vendors/index.js';
import { AuthKitCacheOptions } from './cache.options.js';
import { isConnectionLabel } from './connection-label.js';
import type { AuthKitGrantOptions } from './grant.options.js';
import type { AuthKitHttpOptions } from './http.options.js';
import { LIMITS, type Limits } from './limits.js';
import { isOrigin, isPageOrigin, suggestOrigins } from './origins.js';
import { formatSecretKey, isSecretKey } from './secret-key.js';
import {
  Is,
  IsFunction,
  isHttpUrl,
  isPlainObject,
  MAX_TIMEOUT_MS,
} from './validation.js';

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
  if (!isPlainObject(value)) return false;
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
 * @param identity `undefined` if `create()` was called without one
 * @param context `request`: the request of the platform (Express or Fastify), of the grant route or else of the token route
 */
export type ConnectionLabelResolver = (
  identity: AuthKitIdentity | undefined,
  // A request is whatever platform, guards and middleware made of it.
  // oxlint-disable-next-line typescript/no-explicit-any
  context?: { request?: any },
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
 *   this function has succeeded; `others`: the owner's other connections of the same platform;
 *   `request`: the request of the platform (Express or Fastify)
 */
export type ConnectedListener = (
  connection: AuthKitConnection,
  owner: AuthKitIdentity,
  more: {
    readonly replaced?: AuthKitConnection;
    readonly others: readonly AuthKitConnection[];
    readonly request?: unknown;
  },
) => void | Promise<void>;

/**
 * Called with a connection that the owner has deleted.
 *
 * @param connection the connection as it was
 * @param owner its owner, the caller of the route
 */
export type DisconnectedListener = (
  connection: AuthKitConnection,
  owner: AuthKitIdentity,
) => void | Promise<void>;

/**
 * Called with a connection that no longer works.
 *
 * @param owner its owner, for whom the call was made
 */
export type ConnectionLostListener = (
  connection: AuthKitConnection,
  owner: AuthKitIdentity,
) => void | Promise<void>;

/**
 * Returns labels of a request: at most 5, each of up to 64 characters.
 *
 * @param identity `undefined` if the request has none
 */
export type LabelsResolver = (
  identity: AuthKitIdentity | undefined,
) => Record<string, string>;

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

/** Whether a URL sends the secret key to the vendor in clear. */
function isInsecureVendor({ protocol, hostname }: URL): boolean {
  const hosts = Object.values(VENDORS).map(
    ({ baseUrl }) => new URL(baseUrl).hostname,
  );
  return protocol === 'http:' && hosts.includes(hostname.replace(/\.$/, ''));
}

/** The value is a list of origins. What is expected ends with what to write instead. */
const AreOrigins = (
  expected: string,
  isValid: (entry: unknown) => boolean,
): PropertyDecorator =>
  Is(
    (value) => `${expected}${suggestOrigins(value, isValid)}`,
    (value) => Array.isArray(value) && value.every(isValid),
  );

/**
 * The options of the module, from `forRoot()` or from a factory of `forRootAsync()`.
 * They are validated at boot. An invalid option stops the app with a message that says what to do.
 */
export class AuthKitModuleOptions {
  /**
   * The secret key (`sk_test_…` or `sk_live_…`) from the dashboard, or a
   * function that returns it, for rotation or for one key per tenant. It is
   * sent to the vendor's API and nowhere else.
   */
  @Is(
    'the secret key from the dashboard (sk_test_… or sk_live_…), without spaces or line breaks, or a function that returns it: ' +
      'pass secretKey, or set PICA_SECRET_KEY (ONE_SECRET_KEY for One) and use authKitConfig',
    (value) => typeof value === 'function' || isSecretKey(value),
    formatSecretKey,
  )
  secretKey!: string | SecretKeyResolver;

  /**
   * The service to call: `'pica'`, or `'one'`, the name it took in March 2026.
   * @default 'pica'
   */
  @IsIn(Object.keys(VENDORS))
  vendor?: AuthKitVendor = 'pica';

  /**
   * The root URL of the API, for tests and proxies. It may have a path.
   * @default the vendor's: `https://api.picaos.com` or `https://api.withone.ai`
   */
  @IsOptional()
  @Is(
    (value) =>
      isHttpUrl(value)
        ? `https: for the host of the vendor, which http: would send the secret key in clear: write '${value.replace(/^http:/i, 'https:')}'`
        : 'an http: or https: URL without credentials, query or fragment, such as https://api.picaos.com',
    (value) => isHttpUrl(value) && !isInsecureVendor(new URL(value)),
  )
  baseUrl?: string;

  /**
   * Extracts the identity of the caller from a request.
   * @default ExtractIdentity.fromUser()
   */
  @IsFunction('a function of the request, such as ExtractIdentity.fromUser()')
  identity?: IdentityExtractor = ExtractIdentity.fromUser();

  /**
   * The timeout of a whole token in ms, with every call, wait and retry.
   * @default 10_000
   */
  @IsInt()
  @Min(1)
  @Max(MAX_TIMEOUT_MS)
  timeout?: number = 10_000;

  /**
   * The timeout of one call to Pica in ms.
   * @default 5_000
   */
  @IsInt()
  @Min(1)
  @Max(MAX_TIMEOUT_MS)
  attemptTimeout?: number = 5_000;

  /**
   * The number of times to retry a failed call. 0 to 10.
   * @default 3
   */
  @IsInt()
  @Min(0)
  @Max(10)
  retries?: number = 3;

  /**
   * What is cached in memory, for each account: flags, connectors and actions.
   * @default { ttl: 300_000, flags: true }
   */
  @ValidateNested()
  cache?: AuthKitCacheOptions = new AuthKitCacheOptions();

  /**
   * What the token route sends: `'all'` rows as one page, whatever the widget
   * requests, or `'forward'`, which passes the widget's `page` and `limit` to Pica.
   * @default 'all' for `pica`, 'forward' for `one`, as their widgets expect it
   */
  @IsOptional()
  @IsIn(['all', 'forward'])
  paging?: 'all' | 'forward';

  /**
   * How requests leave the machine: proxies and private certificate authorities.
   * @default keep-alive agents of the module's own
   */
  @IsOptional()
  @ValidateNested()
  http?: AuthKitHttpOptions;

  /**
   * Origins that may call the token route from a browser, beside the vendor's
   * widget, e.g. `['https://app.example']`. Each is written as
   * `new URL(page).origin` gives it, or as `scheme://host` in lower case where the
   * scheme is another, e.g. `capacitor://localhost`. No wildcards.
   * @default []
   */
  @AreOrigins(
    "a list of origins, each as new URL(page).origin gives it (another scheme than http: and https: as scheme://host in lower case), such as ['https://app.example']; '*' and 'null' are none",
    isOrigin,
  )
  allowedOrigins?: string[] = [];

  /**
   * Origins of the app's own pages, e.g. `['https://app.example']`. They may
   * call the grant route and the routes for connections from another origin
   * than the API's, with cookies: those routes send CORS headers with
   * credentials for exactly these origins. `http:` is accepted for this machine only.
   * @default []
   */
  @AreOrigins(
    "a list of origins of the app's own pages, each as new URL(page).origin gives it (another scheme than http: and https: as scheme://host in lower case), such as ['https://app.example']; http: for this machine only; '*' and 'null' are none",
    isPageOrigin,
  )
  pageOrigins?: string[] = [];

  /**
   * One's own tenant: an organization, a project in it, or a function of the
   * identity that returns them. Sent as `X-One-Organization-Id` and
   * `X-One-Project-Id` with every call. Only with `vendor: 'one'`.
   * @default none: the personal scope of the secret key
   */
  @IsOptional()
  @Is(
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
  @Is(
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
   * Called when `DELETE` of the routes for connections has deleted a connection.
   * An error is logged, and changes nothing.
   * @default none
   */
  @IsOptional()
  @IsFunction('a function of the connection and its owner')
  onDisconnected?: DisconnectedListener;

  /**
   * Called when a call has found that a connection no longer works, once for
   * each connection and hour. An error is logged, and changes nothing.
   * @default none
   */
  @IsOptional()
  @IsFunction('a function of the connection and its owner')
  onConnectionLost?: ConnectionLostListener;

  /**
   * Returns labels of a request, e.g. the region of a tenant. They are on the
   * tracing channels and on log lines. At most 5, each of up to 64 characters.
   * @default none
   */
  @IsOptional()
  @IsFunction('a function of the identity')
  labels?: LabelsResolver;

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
  @ValidateNested()
  grant?: AuthKitGrantOptions;

  /** For tests. @internal */
  [LIMITS]?: Partial<Limits>;
}

/** A class that creates the options, for `useClass` and `useExisting` of `forRootAsync()`. */
export interface AuthKitOptionsFactory {
  createAuthKitOptions(): AuthKitModuleOptions | Promise<AuthKitModuleOptions>;
}

// Until their users import them from their new places.
/* oxlint-disable import/no-cycle */
export { ModuleOptions, type RegisteredOptions } from './bridge.js';
export { isLoopback } from './origins.js';
export { ofRegistration, resolveOptions } from './resolve-options.js';
export { formatSecretKey, isSecretKey } from './secret-key.js';
