import type { AuthKitConnection } from '../authkit.types.js';
import { BoundedMap } from '../bounded-map.js';
import { SingleFlight } from '../core/limits.js';
import type { Session } from '../core/request-runner.js';

/** How long a connection is remembered, in ms: a call then needs one request upstream. */
const TTL_MS = 30_000;

/** The maximum number of connections that are remembered. */
const MAX_CONNECTIONS = 10_000;

/**
 * Remembers for 30 s which connection the calls of an owner use. Callers at the
 * same time share one look-up, which does not end with one of them.
 */
export class ResolvedConnections {
  private readonly known = new BoundedMap<AuthKitConnection>(MAX_CONNECTIONS);
  private readonly flights = new SingleFlight<AuthKitConnection>();
  /** When the connections of an owner last changed: a counter. */
  private readonly changes = new BoundedMap<number>(MAX_CONNECTIONS);
  private change = 0;

  async get(
    session: Session,
    selector: object,
    resolve: (session: Session) => Promise<AuthKitConnection>,
  ): Promise<AuthKitConnection> {
    const owner = ownerKey(session);
    const change = this.changes.get(owner);
    const key = JSON.stringify([owner, change, selector]);
    const known = this.known.get(key);
    if (known) return known;
    return this.flights.run(key, async () => {
      const connection = await session.share(resolve);
      // Not what was looked up before a change.
      if (this.changes.get(owner) === change) {
        this.known.set(key, connection, TTL_MS);
      }
      return connection;
    });
  }

  /** Forgets the connections of an owner. */
  forget(session: Session): void {
    this.change += 1;
    // Longer than a look-up that began before takes, and what it found is remembered.
    this.changes.set(ownerKey(session), this.change, 2 * TTL_MS);
  }
}

/** Identifies the owner of connections among all accounts. It may hold the secret key: nothing shows it. */
export function ownerKey({ account, identity }: Session): string {
  const { identity: id, identityType = 'user' } = identity!;
  return JSON.stringify([account.id, identityType, id]);
}
