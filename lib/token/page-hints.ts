/** Keys to remember: the least recently used is forgotten first. */
const CAPACITY = 1_000;

/**
 * Remembers how many pages the last answer for a secret key had, and nothing
 * else of it: the guess for the next token.
 */
export class PageHints {
  /** By secret key, and so truly private: nothing that inspects this object shows it. */
  readonly #pages = new Map<string, number>();

  /** How many pages to ask for at once: 1 for a key that is not known. */
  guess(secretKey: string): number {
    return this.#pages.get(secretKey) ?? 1;
  }

  learn(secretKey: string, pages: number): void {
    this.#pages.delete(secretKey);
    this.#pages.set(secretKey, pages);
    if (this.#pages.size > CAPACITY) {
      const [oldest] = this.#pages.keys();
      this.#pages.delete(oldest!);
    }
  }
}
