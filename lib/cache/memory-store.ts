import { BoundedMap } from '../bounded-map.js';

/** The maximum length of all values in JSON: about 50 MB, since pages are held as text and as bytes. */
const MAX_CHARACTERS = 25_000_000;

/** A cache store in the memory of this instance. It removes the least recently used values first. */
export class MemoryStore {
  private readonly values: BoundedMap<unknown>;

  constructor(maxCharacters = MAX_CHARACTERS) {
    this.values = new BoundedMap(maxCharacters);
  }

  get(key: string): unknown {
    return this.values.get(key);
  }

  set(key: string, value: unknown, ttl: number): void {
    this.values.set(key, value, ttl, JSON.stringify(value).length);
  }

  delete(key: string): void {
    this.values.delete(key);
  }
}
