import { AuthKitException } from '../authkit.exception.js';
import { BoundedMap } from '../cache/bounded-map.js';
import { cacheKey } from '../cache/cache-key.js';
import type { ResilientStore } from '../cache/resilient-store.js';
import type { ModuleOptions } from '../options/module.options.js';

/** Stores which single-use grants have been used. */
export interface GrantReplayStore {
  /**
   * Marks a grant as used. Of all calls for one id, one returns `true`.
   *
   * @param jti the id of the grant
   * @param ttl ms until no instance accepts the grant any more
   */
  consume(jti: string, ttl: number): Promise<boolean>;
}

/** The maximum number of used grants in memory: about 15 MB of ids. */
const MAX_GRANTS = 100_000;

/** Stores used grants in the memory of this instance. */
export class MemoryGrantReplayStore implements GrantReplayStore {
  private readonly used: BoundedMap<true>;

  constructor(private readonly maxGrants = MAX_GRANTS) {
    this.used = new BoundedMap(maxGrants);
  }

  /** @throws {AuthKitException} `rate_limited` where the memory is full: removing a grant would allow its replay */
  async consume(jti: string, ttl: number): Promise<boolean> {
    const outcome = this.used.add(jti, true, ttl);
    if (outcome !== 'full') return outcome === 'added';
    throw new AuthKitException('rate_limited', {
      retryAfter: 1,
      cause: new Error(`${this.maxGrants} used grants are stored already`),
    });
  }
}

/**
 * Stores used grants in the cache's store, and in the memory of this instance
 * while the store fails. If the store has an atomic `add`, one request across
 * all instances succeeds. Without it, the store is read first: a second request
 * at the same moment may succeed in another instance.
 */
export class SharedGrantReplayStore implements GrantReplayStore {
  private readonly memory = new MemoryGrantReplayStore();

  constructor(private readonly store: ResilientStore) {}

  async consume(jti: string, ttl: number): Promise<boolean> {
    if (!(await this.memory.consume(jti, ttl))) return false;
    const lifetime = Math.max(1, Math.ceil(ttl));
    // The id is a random UUID, which the store need not know either.
    const key = cacheKey('grant', jti);
    if (this.store.isAtomic) {
      return (await this.store.add(key, lifetime)) ?? true;
    }
    if (await this.store.read(key, parseMark)) return false;
    void this.store.write(key, true, lifetime);
    return true;
  }
}

/** Creates the replay store: a shared one only where instances can share the cache's store. */
export function createGrantReplayStore(
  { cache }: ModuleOptions,
  store?: ResilientStore,
): GrantReplayStore {
  return store && cache?.store !== 'memory'
    ? new SharedGrantReplayStore(store)
    : new MemoryGrantReplayStore();
}

function parseMark(value: unknown): true {
  if (value !== true) throw new TypeError('not the mark of a used grant');
  return value;
}
