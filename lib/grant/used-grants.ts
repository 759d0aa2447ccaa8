import { performance } from 'node:perf_hooks';
import { AuthKitException } from '../authkit.exception.js';
import type { GrantClaims } from './grant-jwt.js';

/** The maximum number of grants in memory: about 25 MB. */
const MAX_GRANTS = 100_000;

/** The maximum number of grants of one identity in memory. */
const MAX_GRANTS_PER_IDENTITY = 1_000;

/** The minimum time between two searches for expired grants in ms. */
const SWEEP_INTERVAL_MS = 1_000;

/** A grant that is in use, or used. */
interface UsedGrant {
  /** Whose grant it is. */
  readonly owner: string;
  /** When it expires, on the clock of `performance.now()`… */
  readonly expiresAt: number;
  /** …and by the wall clock, in ms since 1970. It must have passed both: the wall clock, by which grants expire, may be set back. */
  readonly wallExpiresAt: number;
}

/** Remembers in the memory of this process which grants are in use or used. */
export class UsedGrants {
  /** Truly private: nothing that inspects this object shows identities. */
  readonly #grants = new Map<string, UsedGrant>();
  readonly #countOf = new Map<string, number>();
  private nextSweepAt = -Infinity;

  /** @param mayForget whether something else decides in the end. If not, a full memory refuses further grants: forgetting one would allow its replay */
  constructor(private readonly mayForget: boolean) {}

  /**
   * Takes a grant for one request.
   *
   * @returns `false` if it is in use or used
   * @throws {AuthKitException} `rate_limited` if no more can be remembered. An identity that fills its share shuts out itself alone.
   */
  claim({ jti, identity, remaining, acceptedUntil }: GrantClaims): boolean {
    const known = this.#grants.get(jti);
    if (known && !isExpired(known)) return false;
    this.release({ jti });
    const { identity: id, identityType = 'user', tenant } = identity;
    const owner = JSON.stringify([tenant, identityType, id]);
    this.makeSpace(owner);
    this.#grants.set(jti, {
      owner,
      expiresAt: performance.now() + remaining,
      wallExpiresAt: acceptedUntil,
    });
    this.#countOf.set(owner, this.countOf(owner) + 1);
    return true;
  }

  /** Forgets a grant, which can be used again. */
  release({ jti }: Pick<GrantClaims, 'jti'>): void {
    const grant = this.#grants.get(jti);
    if (!grant) return;
    this.#grants.delete(jti);
    const left = this.countOf(grant.owner) - 1;
    if (left > 0) this.#countOf.set(grant.owner, left);
    else this.#countOf.delete(grant.owner);
  }

  private countOf(owner: string): number {
    return this.#countOf.get(owner) ?? 0;
  }

  /** @throws {AuthKitException} `rate_limited` */
  private makeSpace(owner: string): void {
    if (!this.isFull(owner)) return;
    this.sweep();
    if (this.mayForget) {
      const [oldest] = this.#grants.keys();
      if (this.#grants.size >= MAX_GRANTS) this.release({ jti: oldest! });
      return;
    }
    if (!this.isFull(owner)) return;
    throw new AuthKitException('rate_limited', {
      retryAfter: 1,
      cause: new Error('no more used grants can be remembered'),
    });
  }

  private isFull(owner: string): boolean {
    return (
      this.#grants.size >= MAX_GRANTS ||
      this.countOf(owner) >= MAX_GRANTS_PER_IDENTITY
    );
  }

  /** Forgets all expired grants, which are in no order: grants are used at any age. */
  private sweep(): void {
    const now = performance.now();
    if (now < this.nextSweepAt) return;
    this.nextSweepAt = now + SWEEP_INTERVAL_MS;
    for (const [jti, grant] of this.#grants) {
      if (isExpired(grant)) this.release({ jti });
    }
  }
}

function isExpired({ expiresAt, wallExpiresAt }: UsedGrant): boolean {
  return expiresAt <= performance.now() && wallExpiresAt < Date.now();
}
