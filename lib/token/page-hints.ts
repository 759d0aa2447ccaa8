import { performance } from 'node:perf_hooks';
import { from, of, type Observable } from 'rxjs';
import { BoundedMap } from '../bounded-map.js';
import { accountKeys } from '../cache/cache-key.js';
import type { ResilientStore } from '../cache/resilient-store.js';
import type { ModuleOptions } from '../options/module.options.js';
import { InvalidResponseError, isCount } from '../pica/responses.js';

/** The maximum number of accounts with a hint in memory. */
const CAPACITY = 1_000;

/** How long a shared store keeps a hint, in ms: a day. */
const TTL_MS = 86_400_000;

/** After how many ms an unchanged hint is written again. */
const REWRITE_MS = TTL_MS / 2;

interface Hint {
  readonly pages: number;
  /** On the clock of `performance.now()`. */
  readonly writtenAt: number;
}

/**
 * Stores how many pages the previous response for an account had: the number to
 * fetch in parallel for the next token. A store that instances share holds it
 * too, so that the first token of a new process takes one round trip.
 */
export class PageHints {
  private readonly keyOf: (account: string) => string;
  private readonly pages = new BoundedMap<Hint>(CAPACITY);

  /** @param store a store that instances share */
  constructor(
    private readonly options: Pick<
      ModuleOptions,
      'vendor' | 'baseUrl' | 'pageSize' | 'maxPages'
    >,
    private readonly store?: ResilientStore,
  ) {
    const { vendor, baseUrl, pageSize } = options;
    this.keyOf = accountKeys('pages', vendor, baseUrl, pageSize);
  }

  /** Emits 1 for an unknown account, and `maxPages` at most. */
  get(account: string): Observable<number> {
    const known = this.pages.get(account);
    if (known || !this.store) return of(known?.pages ?? 1);
    return from(this.read(account, this.store));
  }

  record(account: string, pages: number): void {
    const known = this.pages.get(account);
    const now = performance.now();
    if (known?.pages === pages && now - known.writtenAt < REWRITE_MS) return;
    this.pages.set(account, { pages, writtenAt: now });
    // No token waits for it.
    void this.store?.write(this.keyOf(account), pages, TTL_MS);
  }

  private async read(account: string, store: ResilientStore): Promise<number> {
    const stored = await store.read(this.keyOf(account), parseHint);
    return Math.min(stored ?? 1, this.options.maxPages);
  }
}

function parseHint(value: unknown): number {
  if (!isCount(value) || value < 1) {
    throw new InvalidResponseError('not a number of pages');
  }
  return value;
}
