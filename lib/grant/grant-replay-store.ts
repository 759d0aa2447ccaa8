import { performance } from 'node:perf_hooks';
import { AuthKitException } from '../authkit.exception.js';
import { cacheKey } from '../cache/cache-key.js';
import type { ResilientStore } from '../cache/resilient-store.js';
import type { ModuleOptions } from '../options/module.options.js';
import type { GrantClaims } from './grant-jwt.js';

/** A grant that is reserved for one request. */
export interface GrantReservation {
  /** Marks the grant as used. `false` where another request has used it after the lease. */
  commit(): Promise<boolean>;
  /** Frees the grant, after `commit()` too. Without effect where another request has used it. */
  release(): Promise<void>;
}

/** Stores which single-use grants are reserved and used. */
export interface GrantReplayStore {
  /** Marks a grant as used. Of all calls for one grant, one returns `true`. */
  consume(grant: GrantClaims): Promise<boolean>;
  /**
   * Reserves a grant for one request.
   *
   * @param lease ms after which the grant is free again, whatever became of the request
   * @returns `undefined` where the grant is used, or reserved for another request
   */
  reserve(
    grant: GrantClaims,
    lease: number,
  ): Promise<GrantReservation | undefined>;
}

/** The maximum number of marks in memory: about 25 MB. */
const MAX_MARKS = 100_000;

/** The maximum number of marks of one identity in memory. */
const MAX_MARKS_PER_IDENTITY = 1_000;

/** The minimum time between two searches for expired marks in ms. */
const SWEEP_INTERVAL_MS = 1_000;

/** A grant in memory. */
interface Mark {
  /** Whose grant it is. */
  readonly owner: string;
  readonly isUsed: boolean;
  /** When it expires, on the clock of `performance.now()`… */
  readonly expiresAt: number;
  /** …and by the wall clock, in ms since 1970. It must have passed both: the wall clock, by which grants expire, may be set back. */
  readonly wallExpiresAt: number;
}

/**
 * Stores reserved and used grants in the memory of this instance. Where it is
 * full, further grants fail as `rate_limited`: forgetting one would allow its
 * replay. An identity that fills its share shuts out itself alone.
 */
export class MemoryGrantReplayStore implements GrantReplayStore {
  /** Truly private: nothing that inspects this object shows identities. */
  readonly #marks = new Map<string, Mark>();
  readonly #countOf = new Map<string, number>();
  private nextSweepAt = -Infinity;

  constructor(
    private readonly maxMarks = MAX_MARKS,
    private readonly maxMarksPerIdentity = MAX_MARKS_PER_IDENTITY,
  ) {}

  /** @throws {AuthKitException} `rate_limited` */
  async consume(grant: GrantClaims): Promise<boolean> {
    if (this.get(grant.jti)?.isUsed) return false;
    this.set(grant.jti, usedMark(grant));
    return true;
  }

  /** @throws {AuthKitException} `rate_limited` */
  async reserve(
    grant: GrantClaims,
    lease: number,
  ): Promise<GrantReservation | undefined> {
    const { jti } = grant;
    if (this.get(jti)) return undefined;
    let mark: Mark = {
      owner: ownerOf(grant),
      isUsed: false,
      expiresAt: performance.now() + lease,
      wallExpiresAt: -Infinity,
    };
    this.set(jti, mark);
    return {
      commit: async () => {
        if (this.get(jti)?.isUsed) return false;
        mark = usedMark(grant);
        this.set(jti, mark);
        return true;
      },
      release: async () => {
        if (this.#marks.get(jti) === mark) this.delete(jti);
      },
    };
  }

  private get(jti: string): Mark | undefined {
    const mark = this.#marks.get(jti);
    if (!mark || !isExpired(mark)) return mark;
    this.delete(jti);
    return undefined;
  }

  private set(jti: string, mark: Mark): void {
    const { owner } = mark;
    this.delete(jti);
    this.makeSpace(owner);
    this.#marks.set(jti, mark);
    this.#countOf.set(owner, this.countOf(owner) + 1);
  }

  private delete(jti: string): void {
    const mark = this.#marks.get(jti);
    if (!mark) return;
    this.#marks.delete(jti);
    const left = this.countOf(mark.owner) - 1;
    if (left > 0) this.#countOf.set(mark.owner, left);
    else this.#countOf.delete(mark.owner);
  }

  private countOf(owner: string): number {
    return this.#countOf.get(owner) ?? 0;
  }

  /** @throws {AuthKitException} `rate_limited` */
  private makeSpace(owner: string): void {
    for (const [oldest, mark] of this.#marks) {
      if (!isExpired(mark)) break;
      this.delete(oldest);
    }
    if (this.fullOf(owner)) this.sweep();
    const full = this.fullOf(owner);
    if (!full) return;
    throw new AuthKitException('rate_limited', {
      retryAfter: 1,
      cause: new Error(`${full} are stored already`),
    });
  }

  private fullOf(owner: string): string | undefined {
    if (this.countOf(owner) >= this.maxMarksPerIdentity) {
      return `${this.maxMarksPerIdentity} used grants of this identity`;
    }
    if (this.#marks.size >= this.maxMarks) {
      return `${this.maxMarks} used grants`;
    }
    return undefined;
  }

  /** Deletes all expired marks, which are in no order: grants are used at any age. */
  private sweep(): void {
    const now = performance.now();
    if (now < this.nextSweepAt) return;
    this.nextSweepAt = now + SWEEP_INTERVAL_MS;
    for (const [jti, mark] of this.#marks) {
      if (isExpired(mark)) this.delete(jti);
    }
  }
}

function usedMark(grant: GrantClaims): Mark {
  return {
    owner: ownerOf(grant),
    isUsed: true,
    expiresAt: performance.now() + grant.remaining,
    wallExpiresAt: grant.acceptedUntil,
  };
}

function ownerOf({ identity }: GrantClaims): string {
  const { identity: id, identityType = 'user', tenant } = identity;
  return JSON.stringify([tenant, identityType, id]);
}

function isExpired({ expiresAt, wallExpiresAt }: Mark): boolean {
  return expiresAt <= performance.now() && wallExpiresAt < Date.now();
}

/**
 * Stores reserved and used grants in the cache's store, and in the memory of
 * this instance, which decides alone while the store fails. If the store has an
 * atomic `add`, one request across all instances succeeds. Without it, the store
 * is read first: a second request at the same moment may succeed in another instance.
 */
export class SharedGrantReplayStore implements GrantReplayStore {
  private readonly memory = new MemoryGrantReplayStore();

  constructor(private readonly store: ResilientStore) {}

  async consume(grant: GrantClaims): Promise<boolean> {
    return (
      (await this.memory.consume(grant)) &&
      ((await this.markUsed(grant)) ?? true)
    );
  }

  async reserve(
    grant: GrantClaims,
    lease: number,
  ): Promise<GrantReservation | undefined> {
    const local = await this.memory.reserve(grant, lease);
    if (!local) return undefined;
    // A slow store may say so only while the token is created.
    let isTaken = false;
    const onResult = (added: boolean) => void (isTaken = !added);
    if (!(await this.tryReserve(grant, lease, onResult))) {
      await local.release();
      return undefined;
    }
    /** The keys of the store that are this request's, as far as the store has said so. */
    const keys = new Set(this.store.isAtomic ? [reservationKey(grant)] : []);
    const onMarked = () => void keys.add(usedKey(grant));
    let isLost = false;
    return {
      commit: async () => {
        isLost =
          isTaken ||
          !(await local.commit()) ||
          !((await this.markUsed(grant, onMarked)) ?? !isTaken);
        return !isLost;
      },
      release: async () => {
        if (!isLost) await local.release();
        const own = isTaken || isLost ? [] : [...keys];
        await Promise.all(own.map((key) => this.store.remove(key)));
      },
    };
  }

  private async tryReserve(
    grant: GrantClaims,
    lease: number,
    onResult: (added: boolean) => void,
  ): Promise<boolean> {
    const isFree = this.store.isAtomic
      ? this.store.add(reservationKey(grant), lease, onResult)
      : true;
    // A reservation ends long before the grant. Without this check, each replay would take a token's calls.
    const isUsed = this.isUsed(grant);
    return ((await isFree) ?? true) && !(await isUsed);
  }

  /**
   * @param onMarked called once the mark in the store is this request's
   * @returns `undefined` where the store fails
   */
  private async markUsed(
    grant: GrantClaims,
    onMarked = () => {},
  ): Promise<boolean | undefined> {
    const lifetime = Math.max(1, Math.ceil(grant.remaining));
    if (!this.store.isAtomic) {
      if (await this.isUsed(grant)) return false;
      await this.store.write(usedKey(grant), true, lifetime);
      onMarked();
      return true;
    }
    return this.store.add(usedKey(grant), lifetime, (added) => {
      if (added) onMarked();
    });
  }

  private async isUsed(grant: GrantClaims): Promise<boolean> {
    // Whatever the value is: only a used grant has one.
    return (await this.store.read(usedKey(grant), () => true)) ?? false;
  }
}

// The id is a random UUID, which the store need not know either.
const usedKey = ({ jti }: GrantClaims) => cacheKey('grant', jti);
const reservationKey = ({ jti }: GrantClaims) =>
  cacheKey('grant', jti, 'reservation');

/** Creates the replay store: a shared one only where instances can share the cache's store. */
export function createGrantReplayStore(
  { cache }: ModuleOptions,
  store: ResilientStore,
): GrantReplayStore {
  return cache.store === 'memory'
    ? new MemoryGrantReplayStore()
    : new SharedGrantReplayStore(store);
}
