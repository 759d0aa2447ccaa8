import type { CacheOptions } from '../cache/cache.options.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';

/**
 * Gives the secret key for one token, so that keys can rotate and every
 * tenant can have its own. Its time counts into `timeout`.
 *
 * @param who whom the token is for; `undefined` where `create()` was called without an identity
 */
export type SecretKeyResolver = (
  who: AuthKitIdentity | undefined,
) => string | Promise<string>;

/** The options that the token service needs, validated and complete. @internal */
export interface TokenOptions {
  /** A function even for a fixed key, so that no inspected object shows it. */
  readonly secretKey: SecretKeyResolver;
  /** ms for a whole token. */
  readonly timeout: number;
  /** Rows a page. */
  readonly pageSize: number;
  /** Pages in flight. */
  readonly concurrency: number;
  /** Most pages taken. */
  readonly maxPages: number;
  /** Whether to ask for as many pages at once as the last answer had. */
  readonly pageHint: boolean;
  /** What is kept between tokens; `undefined` for nothing. */
  readonly cache?: CacheOptions;
}
