import { AuthKitException } from '../authkit.exception.js';

/** The maximum number of pending requests of one registration. */
const MAX_PENDING = 1_000;
/** The maximum number of pending requests of one account. */
const MAX_PENDING_PER_ACCOUNT = 900;

/** Limits the pending requests: a Pica that hangs must not fill the memory, nor one account keep the others out. */
export class Admission {
  private pending = 0;
  private readonly pendingOf = new Map<string, number>();
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
   * Takes a slot of an account, which is known later than the request.
   *
   * @throws {AuthKitException} `rate_limited` where none is free
   */
  acquireAccountSlot(account: string): () => void {
    const pending = this.pendingOf.get(account) ?? 0;
    if (pending >= MAX_PENDING_PER_ACCOUNT) {
      throw tooMany(MAX_PENDING_PER_ACCOUNT);
    }
    this.pendingOf.set(account, pending + 1);
    return () => {
      const left = this.pendingOf.get(account)! - 1;
      if (left === 0) this.pendingOf.delete(account);
      else this.pendingOf.set(account, left);
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
