import { performance } from 'node:perf_hooks';
import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import { errorCode } from '../authkit.exception.js';
import type {
  AuthKitCacheStore,
  CacheOptions,
} from '../options/cache.options.js';
import { isPromise } from '../options/validation.js';
import { MemoryStore } from './memory-store.js';

/** The timeout of one operation of the store in ms. */
const TIMEOUT_MS = 250;
/** In how many parts the timeout passes. */
const TIMEOUT_PARTS = 5;
/** ms without operations after a timeout, so that not every token waits, and a client's queue does not grow. */
const COOLDOWN_MS = 1_000;
/** ms since the last response for which `add()` is called during a cooldown too: a store that is slow is not down. */
const ADD_GRACE_MS = 3_000;
/** The minimum time between two warnings in ms. */
const WARN_INTERVAL_MS = 60_000;

const TIMED_OUT = Symbol('timed out');
const INVALID = Symbol('invalid');

/**
 * Wraps a cache store: errors, timeouts and invalid values become cache misses
 * and a warning. No method rejects or takes longer than 250 ms.
 */
export class ResilientStore implements OnApplicationShutdown {
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);
  private nextWarningAt = -Infinity;
  /** After a timeout: when the next operation may start. */
  private pausedUntil?: number;
  private lastResponseAt = performance.now();

  constructor(
    private readonly store: AuthKitCacheStore,
    private readonly ttl: number,
  ) {
    // A Keyv emits the errors that it does not throw.
    this.listen('on');
  }

  /**
   * Returns the value of a key, or `undefined`.
   *
   * @param parse validates the value; a value that it throws for is a miss
   */
  async read<T>(
    key: string,
    parse: (value: unknown) => T,
  ): Promise<T | undefined> {
    const value = await this.attempt(() => this.store.get(key));
    if (value === undefined || value === null) return undefined;
    try {
      return parse(value);
    } catch {
      this.warn('returned an invalid value');
      return undefined;
    }
  }

  async write(key: string, value: unknown, ttl = this.ttl): Promise<void> {
    await this.attempt(() => this.store.set(key, value, ttl));
  }

  async remove(key: string): Promise<void> {
    const { store } = this;
    await this.attempt(() =>
      'delete' in store ? store.delete(key) : store.del(key),
    );
  }

  /** Whether the store has an {@link add} that holds across instances. */
  get isAtomic(): boolean {
    return typeof this.store.add === 'function';
  }

  /**
   * Whether the key was new and is now stored; `undefined` where the store
   * fails, `false` where its result is no boolean.
   *
   * @param onResult receives the result even if it arrives after the timeout
   */
  async add(
    key: string,
    ttl: number,
    onResult?: (added: boolean) => void,
  ): Promise<boolean | undefined> {
    const isSlow = performance.now() - this.lastResponseAt < ADD_GRACE_MS;
    const added = await this.attempt(async () => {
      const result: unknown = await this.store.add?.(key, true, ttl);
      onResult?.(result === true);
      return typeof result === 'boolean' ? result : INVALID;
    }, isSlow);
    if (added !== INVALID) return added ?? undefined;
    this.warn('returned neither true nor false from add()');
    return false;
  }

  onApplicationShutdown(): void {
    this.listen('off');
  }

  private async attempt<T>(
    operation: () => T,
    ignoresCooldown = false,
  ): Promise<Awaited<T> | void> {
    if (!ignoresCooldown && this.isPaused()) return;
    let timeout: ReturnType<typeof startTimeout> | undefined;
    try {
      const result = operation();
      if (!isPromise(result)) {
        // A store in memory: nothing to wait for.
        this.pausedUntil = undefined;
        this.lastResponseAt = performance.now();
        return result as Awaited<T>;
      }
      timeout = startTimeout();
      const outcome = await Promise.race([result, timeout.expired]);
      if (outcome !== TIMED_OUT) {
        this.pausedUntil = undefined;
        this.lastResponseAt = performance.now();
        return outcome as Awaited<T>;
      }
      this.pausedUntil = performance.now() + COOLDOWN_MS;
      this.warn(`did not respond within ${TIMEOUT_MS} ms`);
    } catch (error) {
      this.warn(`failed${formatCode(error)}`);
    } finally {
      timeout?.clear();
    }
  }

  /** After the cooldown, one operation runs before the others. */
  private isPaused(): boolean {
    if (this.pausedUntil === undefined) return false;
    const now = performance.now();
    if (now < this.pausedUntil) return true;
    this.pausedUntil = now + COOLDOWN_MS;
    return false;
  }

  private readonly onError = (error: unknown) =>
    this.warn(`failed${formatCode(error)}`);

  private listen(how: 'on' | 'off'): void {
    const { store } = this;
    const emitter = store as {
      [method in typeof how]?: (event: string, listener: unknown) => void;
    };
    if (typeof emitter[how] === 'function') emitter[how]('error', this.onError);
  }

  private warn(what: string): void {
    const now = performance.now();
    if (now < this.nextWarningAt) return;
    this.nextWarningAt = now + WARN_INTERVAL_MS;
    this.logger.warn(
      `The store of the cache ${what}: tokens are created without it. (Logged at most once a minute.)`,
    );
  }
}

/**
 * Starts the timeout of an operation. It passes in parts, so that time during
 * which this process could not read the store's response counts as one of them:
 * a busy instance must not take a store for broken.
 */
function startTimeout() {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<typeof TIMED_OUT>((resolve) => {
    const wait = (parts: number) => {
      if (parts === 0) return resolve(TIMED_OUT);
      timer = setTimeout(wait, TIMEOUT_MS / TIMEOUT_PARTS, parts - 1);
    };
    wait(TIMEOUT_PARTS);
  });
  return { expired, clear: () => clearTimeout(timer) };
}

/** Creates the store of the `cache` option. */
export function createCacheStore({
  cache,
}: {
  cache: CacheOptions;
}): ResilientStore {
  const store = cache.store === 'memory' ? new MemoryStore() : cache.store;
  return new ResilientStore(store, cache.ttl);
}

/** The part of an error that a warning may show. */
function formatCode(error: unknown): string {
  const code = errorCode(error);
  return code ? ` (${code})` : '';
}
