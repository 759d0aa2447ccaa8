import type { ModuleMetadata } from '@nestjs/common';
import type { AuthKitCacheOptions } from './cache/cache.options.js';
import type {
  AuthKitControllerOptions,
  EndpointOptions,
} from './endpoint/endpoint.options.js';
import type {
  AuthKitGrantOptions,
  GrantOptions,
} from './grant/grant.options.js';
import type {
  IdentityExtractor,
  IdentityOptions,
} from './identity/identity-extractor.js';
import type { AuthKitHttpOptions, PicaOptions } from './pica/pica.options.js';
import type { AuthKitVendor } from './pica/types.js';
import type { SecretKeyResolver, TokenOptions } from './token/token.options.js';

/**
 * The options of the module, from `forRoot()` or from a factory of `forRootAsync()`.
 * They are validated at boot: a bad one stops the app with a message that says what to do.
 */
export interface AuthKitModuleOptions {
  /**
   * The secret key (`sk_test_…` or `sk_live_…`), from the dashboard; or a
   * function that gives it, for rotation or for one key per tenant. It is sent
   * to the vendor's API and nowhere else.
   */
  secretKey: string | SecretKeyResolver;

  /**
   * Which service answers: `'pica'`, or `'one'`, the name it took in March 2026.
   * @default 'pica'
   */
  vendor?: AuthKitVendor;

  /**
   * Root of the API, for tests and proxies; with a path, if need be.
   * @default the vendor's: `https://api.picaos.com`, `https://api.withone.ai`
   */
  baseUrl?: string;

  /**
   * Tells who is asking.
   * @default ExtractIdentity.fromUser()
   */
  identity?: IdentityExtractor;

  /**
   * ms for a whole token: every call, wait and retry in it.
   * @default 10_000
   */
  timeout?: number;

  /**
   * ms for one call.
   * @default 5_000
   */
  attemptTimeout?: number;

  /**
   * Further attempts per call, where the failure can pass. 0 to 10.
   * @default 2
   */
  retries?: number;

  /**
   * Rows a page. 1 to 150, which is the most that the service gives.
   * @default 100
   */
  pageSize?: number;

  /**
   * Pages in flight at the same time, of one token. 1 to 100.
   * @default 10
   */
  concurrency?: number;

  /**
   * Most pages taken: an answer that announces more is not believed. 1 to 10,000.
   * @default 100
   */
  maxPages?: number;

  /**
   * Whether to remember, for each secret key, how many pages the last answer
   * had, and to ask for all of them at once: one round trip instead of two. A
   * wrong guess costs a few calls, never a wrong token.
   * @default true
   */
  pageHint?: boolean;

  /**
   * What to keep between tokens, and where. With `flags` and `catalogue`, a
   * token of any size costs one call to Pica. Mind what {@link AuthKitCacheOptions.catalogue} says.
   * @default none: nothing of an answer is kept
   */
  cache?: AuthKitCacheOptions;

  /**
   * What the endpoint answers: `'all'` rows as one page, whatever the widget
   * asks for, or `'forward'`, which hands the widget's `page` and `limit` upstream.
   * @default 'all' for `pica`, 'forward' for `one`, as their widgets expect it
   */
  paging?: 'all' | 'forward';

  /**
   * How the calls leave the machine, for company proxies and private CAs.
   * @default keep-alive agents of our own
   */
  http?: AuthKitHttpOptions;

  /**
   * Origins that may call the endpoint from a browser, beside the vendor's
   * widget, e.g. `['https://app.example']`. No wildcards.
   * @default []
   */
  allowedOrigins?: string[];

  /**
   * Signs the grants of `controller: { grants: true }` and of `AuthKitGrantService`.
   * It needs the package `jose`.
   * @default none: there are no grants
   */
  grant?: AuthKitGrantOptions;
}

/** What is set beside the options, statically: Nest needs it before any factory runs. */
export interface AuthKitModuleExtras {
  /**
   * Whether the service and the guard can be injected everywhere without importing the module again.
   * @default false
   */
  isGlobal?: boolean;

  /**
   * Whether to mount the token endpoint: `true` for `POST /authkit-token`, or how.
   * @default false
   */
  controller?: boolean | AuthKitControllerOptions;

  /** Modules whose providers the factory or the controller's guards inject. */
  imports?: ModuleMetadata['imports'];
}

/** A class that makes the options, for `useClass` and `useExisting` of `forRootAsync()`. */
export interface AuthKitOptionsFactory {
  createAuthKitOptions(): AuthKitModuleOptions | Promise<AuthKitModuleOptions>;
}

/** The options with every default filled in; each room of the house reads its own part. @internal */
export interface ResolvedAuthKitOptions
  extends PicaOptions, TokenOptions, IdentityOptions, EndpointOptions {
  /** Where there are grants. */
  readonly grant?: GrantOptions;
}
