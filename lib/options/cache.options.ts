import {
  IsBoolean,
  IsInRange,
  MAX_TIMEOUT_MS,
  Satisfies,
  type OptionsInput,
} from './validation.js';
import { formatType } from '../format-value.js';

/**
 * A store for the cache: `redisStore(client)`, a Keyv, Nest's cache-manager
 * `Cache`, or any object with these methods. They may return promises. You own the store: the module
 * neither connects nor closes it.
 */
export type AuthKitCacheStore = {
  /** Returns the value of a key, or `undefined` or `null` where there is none. */
  get(key: string): unknown;
  /** Stores a JSON value for `ttl` ms. */
  set(key: string, value: unknown, ttl: number): unknown;
  /**
   * Stores a value for `ttl` ms if the key does not exist, and returns whether
   * it did. The operation is atomic, as Redis' `SET key value NX PX ttl`.
   * Optional: `redisStore()` has it, neither Keyv nor cache-manager has. Only
   * `grant.singleUse` uses it.
   */
  add?(
    key: string,
    value: unknown,
    ttl: number,
  ): boolean | PromiseLike<boolean>;
} & ({ delete(key: string): unknown } | { del(key: string): unknown });

function isStore(value: unknown): boolean {
  return (
    hasMethod(value, 'get') &&
    hasMethod(value, 'set') &&
    (hasMethod(value, 'delete') || hasMethod(value, 'del')) &&
    !isRedisClient(value)
  );
}

/** Whether a value is a client of Redis: its methods have the names of a store's, and other parameters. */
function isRedisClient(value: unknown): boolean {
  return hasMethod(value, 'strLen') || hasMethod(value, 'strlen');
}

function hasMethod(value: unknown, name: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return typeof (value as Record<string, unknown>)[name] === 'function';
}

/** What is cached between tokens, where, and for how long. */
export class CacheOptions {
  /**
   * Where the cache is: `'memory'`, which is bounded and belongs to one
   * instance, or a store that several instances share: `redisStore(client)`, a
   * Keyv or a cache-manager `Cache`.
   * If a store fails, hangs for 250 ms or returns an invalid value, a warning
   * is logged and the token is created without it. Its keys are HMACs; the
   * secret key is not in it. Cached rows are signed under the secret key, so
   * whoever can write to the store cannot add rows of their own.
   * @default 'memory'
   */
  @Satisfies(
    (value) =>
      isRedisClient(value)
        ? 'the store that redisStore() makes of it: store: redisStore(client)'
        : "'memory', redisStore(client), a Keyv, or a cache-manager Cache: an object with get(key), set(key, value, ttl) and delete(key) or del(key)",
    (value) => value === 'memory' || isStore(value),
    // A string or an object may hold the URL of a store, with a password.
    (value) => {
      if (typeof value === 'string') return 'another string';
      if (isRedisClient(value)) return 'a client of Redis';
      return formatType(value).replace('an object', 'an object without them');
    },
  )
  store: 'memory' | AuthKitCacheStore = 'memory';

  /**
   * How long a value is cached, in ms. A change in the dashboard that leaves
   * the number of integrations as it was shows after this time at the latest.
   * @default 300_000
   */
  @IsInRange(1, MAX_TIMEOUT_MS, 'milliseconds')
  ttl: number = 300_000;

  /**
   * Whether the account's `isWhiteLabel` and its list of connectors are cached,
   * for each secret key, scope and tenant. A failed request is not cached. While
   * Pica fails, or takes longer than 500 ms or a quarter of the remaining
   * `timeout`, an expired value serves.
   * @default true
   */
  @IsBoolean()
  flags: boolean = true;

  /**
   * Whether the integrations are cached, for each secret key, scope, tenant and
   * `baseUrl`. **Cached rows are sent to every identity**, which is right as long
   * as Pica offers the same integrations to all identities of a key. The option
   * `allowIntegration` decides after the cache. A token then
   * fetches one row for its own identity. The cached rows are used only if
   * `total` and the first row are unchanged.
   *
   * - A change to another row shows after `ttl` at the latest.
   * - A difference between identities beyond the first row is not noticed.
   * - The `requestId` is that of the response with one row. That it is valid for
   *   all rows is inferred.
   *
   * Only for `paging: 'all'`, and for tokens without `page` and `limit`. Rows of
   * more than 4,000,000 characters are not cached.
   * @default false
   */
  @IsBoolean()
  integrations: boolean = false;
}

/** What is cached between tokens, where, and for how long. */
export interface AuthKitCacheOptions extends OptionsInput<CacheOptions> {}
