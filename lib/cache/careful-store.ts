import { performance } from 'node:perf_hooks';
import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import { errorCode } from '../pica/error-code.js';
import type { AuthKitCacheStore, CacheOptions } from './cache.options.js';
import { MemoryStore } from './memory-store.js';

/** How long (ms) anything waits for the store. */
const PATIENCE = 250;
/** How long (ms) a store that hung is left alone, so that not every token waits, and a client's queue does not grow. */
const PAUSE = 1_000;
/** ms from one warning to the next. */
const QUIET = 60_000;

const LATE = Symbol('late');
const NONSENSE = Symbol('nonsense');

/**
 * The store of the cache, of which nothing bad comes: what fails, hangs or is
 * nonsense is a miss and a warning. No method rejects, or takes longer than 250 ms.
 */
export class CarefulStore implements OnApplicationShutdown {
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);
  private quietUntil = -Infinity;
  /** Where the store hung lately: when it may be asked again. */
  private pausedUntil?: number;

  constructor(
    private readonly store: AuthKitCacheStore,
    private readonly ttl: number,
  ) {
    // A Keyv reports here what it does not throw.
    this.listen('on');
  }

  /**
   * The value of a key, or `undefined`.
   *
   * @param believe gives the value its type; what it throws for is a miss
   */
  async read<T>(
    key: string,
    believe: (value: unknown) => T,
  ): Promise<T | undefined> {
    const value = await this.attempt(() => this.store.get(key));
    if (value === undefined || value === null) return undefined;
    try {
      return believe(value);
    } catch {
      this.warn('gave what was not put into it');
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

  /** Whether the key was free and is now taken; `undefined` where the store fails, `false` where its answer says neither. */
  async add(key: string, ttl: number): Promise<boolean | undefined> {
    const added = await this.attempt(async () => {
      const answer: unknown = await this.store.add?.(key, true, ttl);
      return typeof answer === 'boolean' ? answer : NONSENSE;
    });
    if (added !== NONSENSE) return added ?? undefined;
    this.warn('answers add() with something else than true or false');
    return false;
  }

  onApplicationShutdown(): void {
    this.listen('off');
  }

  private async attempt<T>(operation: () => T): Promise<Awaited<T> | void> {
    if (this.isPaused()) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<typeof LATE>((resolve) => {
      timer = setTimeout(resolve, PATIENCE, LATE);
    });
    try {
      // An async function, so that one that throws at once is caught below too.
      const outcome = await Promise.race([(async () => operation())(), late]);
      if (outcome !== LATE) {
        this.pausedUntil = undefined;
        return outcome as Awaited<T>;
      }
      this.pausedUntil = performance.now() + PAUSE;
      this.warn(`did not answer within ${PATIENCE} ms`);
    } catch (error) {
      this.warn(`failed${shown(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Once a pause is over, one operation tries before the others. */
  private isPaused(): boolean {
    if (this.pausedUntil === undefined) return false;
    const now = performance.now();
    if (now < this.pausedUntil) return true;
    this.pausedUntil = now + PAUSE;
    return false;
  }

  private readonly onError = (error: unknown) =>
    this.warn(`failed${shown(error)}`);

  private listen(how: 'on' | 'off'): void {
    const { store } = this;
    const emitter = store as {
      [method in typeof how]?: (event: string, listener: unknown) => void;
    };
    if (typeof emitter[how] === 'function') emitter[how]('error', this.onError);
  }

  private warn(what: string): void {
    const now = performance.now();
    if (now < this.quietUntil) return;
    this.quietUntil = now + QUIET;
    this.logger.warn(
      `The store of the cache ${what}: tokens are made without it. (Said at most once a minute.)`,
    );
  }
}

/** The store that the options ask for. */
export function provideStore({
  cache,
}: {
  cache?: CacheOptions;
}): CarefulStore | undefined {
  if (!cache) return undefined;
  const store = cache.store === 'memory' ? new MemoryStore() : cache.store;
  return new CarefulStore(store, cache.ttl);
}

/** What of an error a warning may show, as it is written behind the verb. */
function shown(error: unknown): string {
  const code = errorCode(error);
  return code ? ` (${code})` : '';
}
