import { AuthKitException } from '../authkit.exception.js';

/** The maximum number of pending requests of one registration. */
const MAX_PENDING = 1_000;
/** The maximum number of pending requests of one secret key. */
const MAX_PENDING_PER_KEY = 900;
/** The maximum number of pending requests of one tenant, or of one scope of a secret key. */
const MAX_PENDING_PER_TENANT = 800;

/** Limits the pending requests: a Pica that hangs must not fill the memory, nor one secret key or tenant keep the others out. */
export class Admission {
  private pending = 0;
  /** By secret key, or by tenant of one, and so truly private: nothing that inspects this object shows it. */
  readonly #pendingOf = new Map<string, number>();
  private readonly waiting = new Set<() => void>();

  /**
   * Takes a slot until the returned function is called.
   *
   * @throws {AuthKitException} `rate_limited` where none is free
   */
  acquireSlot(): () => void {
    if (this.pending >= MAX_PENDING) throw tooMany(MAX_PENDING);
    this.pending += 1;
    return () => {
      this.pending -= 1;
      if (this.pending > 0) return;
      for (const resolve of this.waiting) resolve();
      this.waiting.clear();
    };
  }

  /**
   * Takes a slot of a secret key, which is known later than the request.
   *
   * @throws {AuthKitException} `rate_limited` where none is free
   */
  acquireKeySlot(secretKey: string): () => void {
    return this.acquire(secretKey, MAX_PENDING_PER_KEY);
  }

  /**
   * Takes a slot of a tenant, of the app or of a secret key.
   *
   * @throws {AuthKitException} `rate_limited` where none is free
   */
  acquireTenantSlot(tenant: string): () => void {
    return this.acquire(JSON.stringify([tenant]), MAX_PENDING_PER_TENANT);
  }

  private acquire(name: string, max: number): () => void {
    const pending = this.#pendingOf.get(name) ?? 0;
    if (pending >= max) throw tooMany(max);
    this.#pendingOf.set(name, pending + 1);
    return () => {
      const left = this.#pendingOf.get(name)! - 1;
      if (left === 0) this.#pendingOf.delete(name);
      else this.#pendingOf.set(name, left);
    };
  }

  /** Resolves once no request is pending. */
  idle(): Promise<void> {
    return this.pending === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.waiting.add(resolve));
  }
}

function tooMany(max: number): AuthKitException {
  return new AuthKitException('rate_limited', {
    retryAfter: 1,
    cause: new Error(`${max} requests are pending already`),
  });
}
