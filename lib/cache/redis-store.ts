import { randomUUID } from 'node:crypto';
import type { AuthKitCacheStore } from '../options/cache.options.js';
import { formatType } from '../format-value.js';

/** The maximum size of a value in bytes: about 15,000 integrations. */
const MAX_VALUE_BYTES = 4_000_000;

// What the listeners of all versions have in common.
// oxlint-disable-next-line typescript/no-explicit-any
type Listener = (...args: any[]) => void;

/** What clients of both packages do alike. */
interface AnyRedisClient {
  get(key: string): PromiseLike<unknown>;
  del(key: string): PromiseLike<unknown>;
  on?(event: string, listener: Listener): unknown;
  off?(event: string, listener: Listener): unknown;
}

/** The part of a client of the package `redis` that the store uses. */
interface NodeRedisClient extends AnyRedisClient {
  set(
    key: string,
    value: string,
    options: { PX: number; NX?: true },
  ): PromiseLike<unknown>;
  strLen(key: string): PromiseLike<unknown>;
}

/** The part of a client of the package `ioredis` that the store uses. */
interface IoRedisClient extends AnyRedisClient {
  set(key: string, value: string, px: 'PX', ms: number): PromiseLike<unknown>;
  set(
    key: string,
    value: string,
    px: 'PX',
    ms: number,
    nx: 'NX',
  ): PromiseLike<unknown>;
  strlen(key: string): PromiseLike<unknown>;
  /** Tells the two apart: clients of `redis` have no such method. */
  // Its overloads differ from version to version.
  // oxlint-disable-next-line typescript/no-explicit-any
  call(...args: any[]): PromiseLike<unknown>;
}

/** A client of the packages `redis` (4 to 6) or `ioredis` (5 and 6), single or of a cluster. */
export type AuthKitRedisClient = NodeRedisClient | IoRedisClient;

/** The commands, whichever package sends them. */
interface Commands {
  /** @returns the reply, `null` where `NX` prevents it */
  set(
    key: string,
    value: string,
    ms: number,
    condition?: 'NX',
  ): PromiseLike<unknown>;
  strlen(key: string): PromiseLike<unknown>;
}

/**
 * Makes a cache store of a Redis client, with the atomic `add` with which
 * `grant.singleUse` holds across all instances of the app. Needs no further package.
 *
 * You own the client: you connect it, and close it after the app. Values are
 * JSON of at most 4 MB; larger ones are neither stored nor read. While Redis
 * does not respond, tokens are created without it.
 *
 * @example
 * ```ts
 * const client = createClient({ url: 'redis://localhost:6379' }); // or: new Redis('redis://localhost:6379')
 *
 * AuthKitModule.forRoot({
 *   secretKey: 'sk_live_1234',
 *   cache: { store: redisStore(client) },
 * });
 * ```
 *
 * @param client of the package `redis` (4 to 6) or `ioredis` (5 and 6). Its error
 *   events become warnings in the log.
 * @throws {TypeError} for anything else
 *
 * @publicApi
 */
export function redisStore(client: AuthKitRedisClient): AuthKitCacheStore {
  const { set, strlen } = commandsOf(client);

  const read = async (key: string): Promise<string | undefined> => {
    const size = Number(await strlen(key));
    if (size === 0) return undefined;
    if (!(size <= MAX_VALUE_BYTES)) throw tooLarge();
    const value = await client.get(key);
    return value === null || value === undefined ? undefined : String(value);
  };

  return {
    async get(key) {
      const json = await read(key);
      return json === undefined ? undefined : (JSON.parse(json) as unknown);
    },

    async set(key, value, ttl) {
      const json = JSON.stringify(value);
      if (Buffer.byteLength(json) > MAX_VALUE_BYTES) {
        // Not what was there before either.
        await client.del(key);
        return;
      }
      await set(key, json, toMilliseconds(ttl));
    },

    async add(key, _value, ttl) {
      // A client that loses the connection may send the command again. Its own value shows that the first one has arrived.
      const json = JSON.stringify(randomUUID());
      const reply = await set(key, json, toMilliseconds(ttl), 'NX');
      if (reply !== null && reply !== undefined) return true;
      return (
        Number(await strlen(key)) === json.length &&
        String(await client.get(key)) === json
      );
    },

    async delete(key) {
      await client.del(key);
    },

    // The module listens to the errors of its store. Without a listener, one of `redis` would end the process.
    ...(typeof client.on === 'function' && {
      on: (event: string, listener: Listener) =>
        void client.on?.(event, listener),
      off: (event: string, listener: Listener) =>
        void client.off?.(event, listener),
    }),
  };
}

function commandsOf(client: AuthKitRedisClient): Commands {
  assertClient(client);
  if ('call' in client && typeof client.call === 'function') {
    return {
      set: (key, value, ms, condition) =>
        condition
          ? client.set(key, value, 'PX', ms, condition)
          : client.set(key, value, 'PX', ms),
      strlen: (key) => client.strlen(key),
    };
  }
  const nodeRedis = client as NodeRedisClient;
  return {
    set: (key, value, ms, condition) =>
      nodeRedis.set(key, value, { PX: ms, ...(condition && { NX: true }) }),
    strlen: (key) => nodeRedis.strLen(key),
  };
}

/** @throws {TypeError} */
function assertClient(client: unknown): void {
  const methods = (client ?? {}) as Record<string, unknown>;
  const has = (name: string) => typeof methods[name] === 'function';
  if (
    has('get') &&
    has('set') &&
    has('del') &&
    (has('strLen') || has('strlen'))
  )
    return;
  throw new TypeError(
    `redisStore(): given ${formatType(client)}; expected a client of the package redis (createClient()) or ioredis (new Redis()), with get, set, del and strLen.`,
  );
}

/** Redis takes whole numbers from 1 on. */
function toMilliseconds(ttl: number): number {
  return Math.max(1, Math.ceil(ttl));
}

function tooLarge(): Error {
  return Object.assign(
    new Error(`a value has more than ${MAX_VALUE_BYTES} bytes`),
    { code: 'VALUE_TOO_LARGE' },
  );
}
