import { performance } from 'node:perf_hooks';

interface Entry<V> {
  readonly value: V;
  readonly size: number;
  /** When it expires, on the clock of `performance.now()`. */
  readonly expiresAt: number;
}

/** A bounded map in memory with a time to live for each entry. */
export class BoundedMap<V> {
  /** Truly private: nothing that inspects this object shows keys or values. */
  readonly #entries = new Map<string, Entry<V>>();
  #size = 0;

  /** @param maxSize the maximum of all sizes together */
  constructor(private readonly maxSize: number) {}

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.expiresAt <= performance.now()) {
      this.delete(key);
      return undefined;
    }
    // The last entry is the most recently used.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /**
   * Stores a value. If the map is full, the least recently used entries are removed.
   *
   * @param ttl ms
   */
  set(key: string, value: V, ttl = Infinity, size = 1): void {
    this.delete(key);
    this.#entries.set(key, {
      value,
      size,
      expiresAt: performance.now() + ttl,
    });
    this.#size += size;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.maxSize) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#size -= this.#entries.get(key)?.size ?? 0;
    this.#entries.delete(key);
  }
}
