/**
 * What keeps the cache: any Keyv, Nest's cache-manager `Cache`, or whatever has
 * these methods. They may return promises. It stays the app's: the module
 * neither connects nor closes it.
 */
export type AuthKitCacheStore = {
  /** The value of a key, or nothing where there is none any more. */
  get(key: string): unknown;
  /** Keeps a value, made of what JSON can hold, for `ttl` ms. */
  set(key: string, value: unknown, ttl: number): unknown;
  /**
   * Keeps a value for `ttl` ms where the key has none, and tells whether it
   * did, atomically, as `SET key value NX PX ttl` in Redis. Optional: neither
   * Keyv nor cache-manager has it, and only `grant.singleUse` asks for it.
   */
  add?(
    key: string,
    value: unknown,
    ttl: number,
  ): boolean | PromiseLike<boolean>;
} & ({ delete(key: string): unknown } | { del(key: string): unknown });

/** What is kept between tokens, where, and for how long. */
export interface AuthKitCacheOptions {
  /**
   * Where: `'memory'`, which is bounded and of one instance, or a Keyv or
   * cache-manager that several instances share, through Redis, say. One that
   * fails, hangs (250 ms) or gives nonsense costs a warning, never a token. Its
   * keys are HMACs; the secret key is nowhere in it.
   * @default 'memory'
   */
  store?: 'memory' | AuthKitCacheStore;

  /**
   * ms for which something is kept: the longest that a change in the dashboard
   * which leaves the number of integrations as it was goes unnoticed.
   * @default 300_000
   */
  ttl?: number;

  /**
   * Whether to keep the account's `isWhiteLabel`, for each secret key. What
   * failed is asked again.
   * @default false
   */
  flags?: boolean;

  /**
   * Whether to keep the rows of all pages but the first, for each secret key,
   * `baseUrl` and `pageSize`. **They are then given to every identity**, which
   * is right as long as Pica offers the same integrations to all identities of
   * a key. The first page is asked for by every token in its own name, and its
   * `total` and `pages` tell whether what is kept still holds.
   *
   * **The token's `requestId` is then that of the first page**, Pica's record
   * of this very identity, and not the last page's as without the cache. No
   * first page and no `requestId` is ever kept.
   *
   * Only for `paging: 'all'`: pages that are asked for alone are not kept.
   * @default false
   */
  catalogue?: boolean;
}

/** The same, validated and complete. @internal */
export interface CacheOptions {
  readonly store: 'memory' | AuthKitCacheStore;
  /** ms. */
  readonly ttl: number;
  readonly flags: boolean;
  readonly catalogue: boolean;
}
