import { BoundedMap } from '../bounded-map.js';
import { SingleFlight } from './limits.js';
import type { Session } from './request-runner.js';

/** The maximum size of all cached values together. */
const MAX_SIZE = 100_000;

interface Entry<T> {
  readonly value: T;
  /** On the clock of `performance.now()`. */
  readonly expiresAt: number;
}

/**
 * Caches a value for each account, in memory. Concurrent requests share one
 * fetch, which does not end with the request that starts it. A failure is not
 * cached: an expired value serves instead.
 */
export class AccountCache<T> {
  private readonly entries = new BoundedMap<Entry<T>>(MAX_SIZE);
  private readonly flights = new SingleFlight<T>();

  /**
   * @param ttl ms for which a value is fresh
   * @param sizeOf the size of a value. Default: 1
   */
  constructor(
    private readonly ttl: number,
    private readonly sizeOf: (value: T) => number = () => 1,
  ) {}

  /**
   * Returns the cached value, or fetches it.
   *
   * @param key identifies the value among those of the account
   */
  async get(
    { account, share }: Session,
    fetch: (context: Session) => Promise<T>,
    key = '',
  ): Promise<T> {
    const id = account.id + key;
    const known = this.entries.get(id);
    if (known && known.expiresAt > performance.now()) return known.value;
    try {
      return await this.flights.run(id, async () => {
        const value = await share(fetch);
        const expiresAt = performance.now() + this.ttl;
        const size = this.sizeOf(value);
        this.entries.set(id, { value, expiresAt }, Infinity, size);
        return value;
      });
    } catch (error) {
      if (known) return known.value;
      throw error;
    }
  }

  /** The value of an account as it was last fetched, expired or not. */
  peek({ account }: Session): T | undefined {
    return this.entries.get(account.id)?.value;
  }
}
