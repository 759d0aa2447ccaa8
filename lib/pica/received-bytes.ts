import { AuthKitException } from '../authkit.exception.js';

/** The maximum size of a decompressed response in bytes. No page of 150 rows comes near. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** A response is larger than any of Pica's. */
export class BodyTooLargeError extends Error {}

/** The maximum size of all responses to one request of the app in bytes. */
const MAX_REQUEST_BYTES = 32 * 1024 * 1024;

/** Limits the bytes that all pending requests of one registration hold together. */
export class MemoryBudget {
  private used = 0;

  /** @param maxBytes the option `maxBytesInFlight` */
  constructor(private readonly maxBytes: number) {}

  /** Takes bytes out of the budget. Returns `false` where they do not fit. */
  tryTake(bytes: number): boolean {
    if (this.used + bytes > this.maxBytes) return false;
    this.used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.used -= bytes;
  }
}

/** Counts what one request of the app has received, decompressed, as it arrives. */
export class ReceivedBytes {
  private received = 0;
  private held = 0;
  private isReleased = false;

  constructor(private readonly budget: MemoryBudget) {}

  /**
   * Counts bytes that have arrived.
   *
   * @throws {AuthKitException} `malformed` where the request has received more
   *   than 32 MB, `rate_limited` where the budget of the registration is used up
   */
  add(bytes: number): void {
    this.received += bytes;
    if (this.received > MAX_REQUEST_BYTES) {
      throw new AuthKitException('malformed', {
        cause: new Error('too large'),
      });
    }
    this.hold(bytes);
  }

  /**
   * Counts bytes that the request needs beside those, for a copy.
   *
   * @throws {AuthKitException} `rate_limited` where the budget is used up,
   *   `cancelled` where the request is over, since nobody would give them back
   */
  hold(bytes: number): void {
    if (this.isReleased) throw new AuthKitException('cancelled');
    if (!this.budget.tryTake(bytes)) {
      throw new AuthKitException('rate_limited', {
        retryAfter: 1,
        cause: new Error('maxBytesInFlight is used up'),
      });
    }
    this.held += bytes;
  }

  /** Gives everything back, when the request is over. */
  release(): void {
    this.budget.give(this.held);
    this.held = 0;
    this.isReleased = true;
  }
}
