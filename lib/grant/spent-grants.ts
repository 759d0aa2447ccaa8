import type { CarefulStore } from '../cache/careful-store.js';
import type { CacheOptions } from '../cache/cache.options.js';
import { storeKey } from '../cache/store-key.js';
import { AuthKitException } from '../pica/authkit.exception.js';

/** Remembers which single-use grants have been used. */
export interface SpentGrants {
  /**
   * Takes a grant for the caller alone: of all claims of one id, one gets `true`.
   *
   * @param jti the grant's id
   * @param ttl ms for which the id has to be remembered; the grant is worthless afterwards
   */
  claim(jti: string, ttl: number): Promise<boolean>;
}

/** Grants that one instance remembers: about 15 MB of ids. */
const MAX_REMEMBERED = 100_000;

/** Used grants in the memory of this instance. */
export class MemorySpentGrants implements SpentGrants {
  /** When (ms) each id may be forgotten; in the order of use, which is about that of expiry. */
  private readonly spent = new Map<string, number>();

  constructor(private readonly max = MAX_REMEMBERED) {}

  /** @throws {AuthKitException} `rate_limited` where the memory is full: forgetting one would allow its replay */
  async claim(jti: string, ttl: number): Promise<boolean> {
    const now = Date.now();
    if (this.spent.has(jti)) return false;
    this.forgetExpired(now);
    if (this.spent.size >= this.max) {
      throw new AuthKitException('rate_limited', {
        retryAfter: 1,
        cause: new Error(`${this.max} used grants are remembered already`),
      });
    }
    this.spent.set(jti, now + ttl);
    return true;
  }

  private forgetExpired(now: number): void {
    for (const [jti, until] of this.spent) {
      if (until > now) return;
      this.spent.delete(jti);
    }
  }
}

/**
 * Used grants in the store of the cache, and in the memory of this instance
 * for the time in which the store fails. Where the store has an atomic `add`,
 * one claim of all instances gets through. Without it, a claim first looks:
 * another instance may let a second one through that comes within the same moment.
 */
export class StoredSpentGrants implements SpentGrants {
  private readonly memory = new MemorySpentGrants();

  constructor(private readonly store: CarefulStore) {}

  async claim(jti: string, ttl: number): Promise<boolean> {
    if (!(await this.memory.claim(jti, ttl))) return false;
    const lifetime = Math.max(1, Math.ceil(ttl));
    // The id is a random UUID, which the store need not know either.
    const key = storeKey('grant', jti);
    if (this.store.isAtomic) {
      return (await this.store.add(key, lifetime)) ?? true;
    }
    if (await this.store.read(key, isUsed)) return false;
    void this.store.write(key, true, lifetime);
    return true;
  }
}

/** Where used grants are remembered: in a cache's store only where instances can share it. */
export function provideSpentGrants(
  { cache }: { cache?: CacheOptions },
  store?: CarefulStore,
): SpentGrants {
  return store && cache?.store !== 'memory'
    ? new StoredSpentGrants(store)
    : new MemorySpentGrants();
}

function isUsed(value: unknown): true {
  if (value !== true) throw new TypeError('not the mark of a used grant');
  return value;
}
