import type { Owner } from './connection.js';

/** More than any widget has open at once, and little enough for a load test of days. */
const MOST_REMEMBERED = 10_000;

/** Who was given which `requestId`: what a widget connects with it is theirs. */
export class TokenSessions {
  private readonly owners = new Map<string, Owner>();

  remember(requestId: string | number | null, owner: Owner): void {
    const name = String(requestId);
    // Deleted first, so that the newest stand last.
    this.owners.delete(name);
    this.owners.set(name, owner);
    if (this.owners.size <= MOST_REMEMBERED) return;
    const [oldest] = this.owners.keys();
    this.owners.delete(oldest!);
  }

  /** `undefined` for a `requestId` that nobody was given. */
  ownerOf(requestId: unknown): Owner | undefined {
    return this.owners.get(String(requestId));
  }

  clear(): void {
    this.owners.clear();
  }
}
