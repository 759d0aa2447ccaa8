import { AuthKitException } from '../authkit.exception.js';

/** The maximum number of pending requests of one registration. */
const MAX_PENDING = 1_000;

/** Limits the pending requests: a Pica that hangs must not fill the memory. */
export class Admission {
  private pending = 0;

  /**
   * Takes a slot until the returned function is called.
   *
   * @throws {AuthKitException} `rate_limited` where none is free
   */
  acquireSlot(): () => void {
    if (this.pending >= MAX_PENDING) {
      throw new AuthKitException('rate_limited', {
        retryAfter: 1,
        cause: new Error(`${MAX_PENDING} requests are pending already`),
      });
    }
    this.pending += 1;
    return () => {
      this.pending -= 1;
    };
  }
}
