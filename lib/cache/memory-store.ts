import { performance } from 'node:perf_hooks';

/** Characters of all values together, in JSON: about 50 MB, as pages are there as text and as bytes. */
const MAX_SIZE = 25_000_000;

interface Kept {
  readonly value: unknown;
  /** When (ms) it is worthless. */
  readonly until: number;
  readonly size: number;
}

/** A cache in the memory of this instance: the least recently used is forgotten first. */
export class MemoryStore {
  /** Truly private: nothing that inspects this object shows it. */
  readonly #kept = new Map<string, Kept>();
  #size = 0;

  constructor(private readonly max = MAX_SIZE) {}

  get(key: string): unknown {
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    if (kept.until <= performance.now()) {
      this.delete(key);
      return undefined;
    }
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.value;
  }

  set(key: string, value: unknown, ttl: number): void {
    this.delete(key);
    const size = JSON.stringify(value).length;
    this.#kept.set(key, { value, until: performance.now() + ttl, size });
    this.#size += size;
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= this.max) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#size -= this.#kept.get(key)?.size ?? 0;
    this.#kept.delete(key);
  }
}
