import { BoundedMap } from '../cache/bounded-map.js';

/** The maximum number of secret keys with a hint. */
const CAPACITY = 1_000;

/** Stores how many pages the previous response for a secret key had: the number to fetch in parallel for the next token. */
export class PageHints {
  private readonly pages = new BoundedMap<number>(CAPACITY);

  /** Returns 1 for an unknown key. */
  get(secretKey: string): number {
    return this.pages.get(secretKey) ?? 1;
  }

  record(secretKey: string, pages: number): void {
    this.pages.set(secretKey, pages);
  }
}
