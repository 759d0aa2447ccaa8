import { performance } from 'node:perf_hooks';

/** Objects in all values together: about 50 MB of integrations. */
const MAX_OBJECTS = 100_000;

interface Kept {
  readonly value: unknown;
  /** When (ms) it is worthless. */
  readonly until: number;
  readonly weight: number;
}

/** A cache in the memory of this instance: the least recently used is forgotten first. */
export class MemoryStore {
  /** Truly private: nothing that inspects this object shows it. */
  readonly #kept = new Map<string, Kept>();
  #weight = 0;

  constructor(private readonly max = MAX_OBJECTS) {}

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
    const weight = weigh(value);
    this.#kept.set(key, { value, until: performance.now() + ttl, weight });
    this.#weight += weight;
    for (const oldest of this.#kept.keys()) {
      if (this.#weight <= this.max) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#weight -= this.#kept.get(key)?.weight ?? 0;
    this.#kept.delete(key);
  }
}

/** The objects that a value is made of, and at least one. */
function weigh(value: unknown): number {
  let weight = 1;
  if (typeof value !== 'object' || value === null) return weight;
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) weight += weigh(inner);
  }
  return weight;
}
