import { AuthKitException } from '../authkit.exception.js';

/** The maximum size of one decompressed body in bytes. No page of 150 rows comes near. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** The maximum size of all bodies of one request in bytes. */
const MAX_REQUEST_BYTES = 32 * 1024 * 1024;

/** A body is larger than {@link MAX_BODY_BYTES}. */
export class BodyTooLargeError extends Error {}

/** Limits the bytes that all pending requests of one registration hold together. */
export class MemoryBudget {
  private used = 0;

  constructor(private readonly maxBytes: number) {}

  /** @throws {AuthKitException} `rate_limited` if the bytes do not fit */
  take(bytes: number): void {
    if (this.used + bytes > this.maxBytes) {
      throw new AuthKitException('rate_limited', {
        retryAfter: 1,
        cause: new Error(
          `pending responses hold ${this.maxBytes} bytes already`,
        ),
      });
    }
    this.used += bytes;
  }

  give(bytes: number): void {
    this.used -= bytes;
  }
}

/** Counts the bytes that one request has received, decompressed, as they arrive. */
export class ReceivedBytes {
  private received = 0;
  private held = 0;
  private isReleased = false;

  constructor(private readonly budget: MemoryBudget) {}

  /**
   * Counts bytes that have arrived.
   *
   * @throws {AuthKitException} `malformed` if the request has received more than
   *   32 MB, `rate_limited` if the budget of the registration is used up
   */
  add(bytes: number): void {
    this.received += bytes;
    if (this.received > MAX_REQUEST_BYTES) {
      throw new AuthKitException('malformed', {
        cause: new Error('too large'),
      });
    }
    // Nobody would give them back.
    if (this.isReleased) throw new AuthKitException('cancelled');
    this.budget.take(bytes);
    this.held += bytes;
  }

  /** Gives everything back, when the request is over. */
  release(): void {
    this.budget.give(this.held);
    this.held = 0;
    this.isReleased = true;
  }
}
