import { Allow, IsBoolean, IsIn, IsOptional } from 'class-validator';
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
import { isConnectionLabel } from './connection-label.js';
import type { AuthKitGrantOptions } from './grant.options.js';
import type { AuthKitHttpOptions } from './http.options.js';
import { LIMITS, type Limits } from './limits.js';
import { isOrigin, isPageOrigin } from './origins.js';
import { formatSecretKey, isSecretKey } from './secret-key.js';
import {
  Is,
  IsFunction,
  isHttpUrl,
  IsIntBetween,
  isPlainObject,
  IsRequired,
  MAX_TIMEOUT_MS,
} from './validation.js';

// A request is what platform, guards and middleware made of it.
// oxlint-disable-next-line typescript/no-explicit-any
type PlatformRequest = any;

/** `undefined` if `create()` was called without one, or before the guards have identified the caller. */
type MaybeIdentity = AuthKitIdentity | undefined;

type Awaitable<T> = T | Promise<T>;

/** Returns the secret key for one request. Its time counts toward `timeout`. */
export type SecretKeyResolver = (identity: MaybeIdentity) => Awaitable<string>;

/** An organization, and a project in it, by their UUIDs. */
export interface AuthKitScope {
  /** Sent as `X-One-Organization-Id`. */
  organizationId?: string;
  /** Sent as `X-One-Project-Id`. */
  projectId?: string;
}

/** Returns the scope for an identity. Its time counts toward `timeout`. */
export type ScopeResolver = (
  identity: MaybeIdentity,
) => Awaitable<AuthKitScope | undefined>;

/** Whether a value is a scope whose ids can be sent as header values. */
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
 * toward `timeout`. The request is that of the grant route or else of the token route.
 */
export type ConnectionLabelResolver = (
  identity: MaybeIdentity,
  context?: { request?: PlatformRequest },
) => Awaitable<AuthKitConnectionLabel | undefined>;

/** Decides whether an identity is offered an integration, which is deeply frozen. */
export type IntegrationFilter = (
  integration: AuthKitIntegration,
  identity: MaybeIdentity,
) => boolean;

/** Called with a connection that a page has confirmed, and its owner. */
export type ConnectedListener = (
  connection: AuthKitConnection,
  owner: AuthKitIdentity,
  more: {
    /** The connection that it replaces: it is deleted once this function has succeeded. */
    readonly replaced?: AuthKitConnection;
    /** The owner's other connections of the same platform. */
    readonly others: readonly AuthKitConnection[];
    /** The request of Express or Fastify. */
    readonly request?: unknown;
  },
) => Awaitable<void>;

/** Called with a connection as it was before its owner deleted it. */
export type DisconnectedListener = (
  connection: AuthKitConnection,
  owner: AuthKitIdentity,
) => Awaitable<void>;

/** Called with a connection that no longer works, and its owner. */
export type ConnectionLostListener = DisconnectedListener;

/** Returns labels of a request: at most 5, each of up to 64 characters. */
export type LabelsResolver = (
  identity: MaybeIdentity,
) => Record<string, string>;

/** Returns the message of an error response, at most 500 characters, or `undefined` for the default. */
export type MessageResolver = (
  reason: AuthKitErrorReason,
  identity: MaybeIdentity,
  request: PlatformRequest,
) => string | undefined;

/** What is cached in memory, for each account, and for how long. */
export class AuthKitCacheOptions {
  /** How long a value is cached, in ms. @default 300_000 */
  @IsIntBetween(1, MAX_TIMEOUT_MS)
  ttl?: number = 300_000;

  /** Whether the account's `isWhiteLabel` is cached, with connectors and actions. @default true */
  @IsBoolean()
  flags?: boolean = true;
}

/** Whether a URL sends the secret key to the vendor in clear. */
function isInsecureVendor(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  const hosts = Object.values(VENDORS).map(
    ({ baseUrl }) => new URL(baseUrl).hostname,
  );
  return protocol === 'http:' && hosts.includes(hostname.replace(/\.$/, ''));
}

const AreOrigins = (rule: string, isValid: (entry: unknown) => boolean) =>
  Is(
    `a list of origins, each as new URL(page).origin gives it (or scheme://host in lower case), such as ['https://app.example']; ${rule}`,
    (value) => Array.isArray(value) && value.every(isValid),
  );

/** The options of the module. An invalid one stops the app at boot. */
export class AuthKitModuleOptions {
  /**
   * The secret key (`sk_test_…` or `sk_live_…`) from the dashboard, or a
   * function that returns it. It is sent to the vendor's API and nowhere else.
   */
  @IsRequired(
    'the secret key from the dashboard (sk_test_… or sk_live_…), without spaces or line breaks, or a function that returns it: ' +
      'pass secretKey, or set PICA_SECRET_KEY (ONE_SECRET_KEY for One) and use authKitConfig',
    (value) => typeof value === 'function' || isSecretKey(value),
    formatSecretKey,
  )
  secretKey!: string | SecretKeyResolver;

  /** The service to call: `'pica'`, or `'one'`, the name it took in March 2026. @default 'pica' */
  @IsIn(Object.keys(VENDORS))
  vendor?: AuthKitVendor = 'pica';

  /**
   * The root URL of the API, for tests and proxies. It may have a path.
   * @default the vendor's: `https://api.picaos.com` or `https://api.withone.ai`
   */
  @Is(
    'an http: or https: URL without credentials, query or fragment, and https: if it is that of the vendor, such as https://api.picaos.com',
    (value) => isHttpUrl(value) && !isInsecureVendor(value),
  )
  baseUrl?: string;

  /** Extracts the identity of the caller from a request. @default ExtractIdentity.fromUser() */
  @IsFunction('a function of the request, such as ExtractIdentity.fromUser()')
  identity?: IdentityExtractor = ExtractIdentity.fromUser();

  /** The timeout of a whole token in ms, with every call, wait and retry. @default 10_000 */
  @IsIntBetween(1, MAX_TIMEOUT_MS)
  timeout?: number = 10_000;

  /** The timeout of one call to Pica in ms. @default 5_000 */
  @IsIntBetween(1, MAX_TIMEOUT_MS)
  attemptTimeout?: number = 5_000;

  /** The number of times to retry a failed call. 0 to 10. @default 3 */
  @IsIntBetween(0, 10)
  retries?: number = 3;

  /** What is cached in memory, for each account. @default { ttl: 300_000, flags: true } */
  @Allow()
  cache?: AuthKitCacheOptions = new AuthKitCacheOptions();

  /**
   * The token route's rows: `'all'`, or `'forward'`, the page that the widget requests.
   * @default 'all' for `pica`, 'forward' for `one`, as their widgets expect it
   */
  @IsOptional()
  @IsIn(['all', 'forward'])
  paging?: 'all' | 'forward';

  /**
   * How requests leave the machine: proxies and private certificate authorities.
   * @default keep-alive agents of the module's own
   */
  @Allow()
  http?: AuthKitHttpOptions;

  /**
   * Origins that may call the token route from a browser, beside the vendor's
   * widget, e.g. `['https://app.example', 'capacitor://localhost']`. No wildcards.
   * @default []
   */
  @AreOrigins("'*' and 'null' are none", isOrigin)
  allowedOrigins?: string[] = [];

  /**
   * Other origins of the app's own pages, which may call the grant route and the
   * routes for connections with cookies. `http:` for this machine only.
   * @default []
   */
  @AreOrigins('http: for this machine only', isPageOrigin)
  pageOrigins?: string[] = [];

  /** The tenant of every call. Only with `vendor: 'one'`. @default the personal scope of the key */
  @Is(
    'an object of { organizationId?, projectId? }, each 1 to 256 visible ASCII characters, or a function of the identity that returns one',
    (value) => typeof value === 'function' || isScope(value),
  )
  scope?: AuthKitScope | ScopeResolver;

  /**
   * Name and tags of the connections that come of a token, or a function that
   * returns them. `create(identity, { name, tags })` takes precedence.
   */
  @Is(
    'an object of { name?, tags? }: a name of up to 256 characters, and up to 32 tags of 1 to 128 characters; or a function of the identity that returns one',
    (value) => typeof value === 'function' || isConnectionLabel(value),
  )
  connection?: AuthKitConnectionLabel | ConnectionLabelResolver;

  /**
   * Decides which integrations an identity is offered: `true` keeps one, `false`
   * removes it. Anything else, a promise included, and an error fail the token.
   * **It is no access control**: who knows another integration can connect it.
   *
   * @example
   * ```ts
   * allowIntegration: ({ title }, identity) =>
   *   identity?.tenant === 'acme' || title === 'Gmail',
   * ```
   * @default all integrations
   */
  @IsFunction('a function of the integration and the identity')
  allowIntegration?: IntegrationFilter;

  /**
   * Called when a page has confirmed a connection, before the response is sent.
   * If it throws, the page gets the error and may confirm again, so **it must be
   * idempotent**.
   *
   * @example
   * ```ts
   * onConnected: ({ id, platform }, owner) =>
   *   accounts.upsertConnection(owner.identity, platform, id),
   * ```
   */
  @IsFunction('a function of the connection and its owner')
  onConnected?: ConnectedListener;

  /** Called when the routes for connections have deleted one. An error is only logged. */
  @IsFunction('a function of the connection and its owner')
  onDisconnected?: DisconnectedListener;

  /** Called when a connection no longer works, once an hour for each. An error is only logged. */
  @IsFunction('a function of the connection and its owner')
  onConnectionLost?: ConnectionLostListener;

  /** Returns labels for tracing channels and log lines, e.g. the region of a tenant. */
  @IsFunction('a function of the identity')
  labels?: LabelsResolver;

  /**
   * Returns the `message` of an error response, which the widget shows. If it
   * throws, or returns no string of 1 to 500 characters, the default is sent.
   * @default English messages, one for each reason
   */
  @IsFunction('a function of the reason, the identity and the request')
  messages?: MessageResolver;

  /** How grants are signed. Needs the package `jose`. @default none: there are no grants */
  @Allow()
  grant?: AuthKitGrantOptions;

  /** For tests. @internal */
  [LIMITS]?: Partial<Limits>;
}

/** A class that creates the options, for `useClass` and `useExisting` of `forRootAsync()`. */
export interface AuthKitOptionsFactory {
  createAuthKitOptions(): Awaitable<AuthKitModuleOptions>;
}
