import { Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import type {
  AuthKitErrorReason,
  AuthKitException,
} from '../pica/authkit.exception.js';
import { describeFailure } from '../pica/describe-failure.js';
import type { VendorProfile } from '../pica/vendors.js';

/** What the operator can do about a failure, where there is something. */
const ADVICE: Partial<
  Record<AuthKitErrorReason, (vendor: VendorProfile) => string>
> = {
  secret_rejected: ({ title, secretVariable }) =>
    `${title} does not accept the secret key: check ${secretVariable}, and that the key is of the right environment and not revoked.`,
  quota_exceeded: ({ title }) =>
    `The quota of the ${title} plan is used up: raise it in the dashboard.`,
  malformed: ({ title }) =>
    `What answered is not ${title}'s API, or has changed: check baseUrl, proxies, and maxPages.`,
  rejected: ({ title }) =>
    `${title} refuses the request: its support can look it up by the correlation id.`,
};

/** Failures that are the caller's own affair: an answer tells it, and no operator can help. */
const NOT_LOGGED: readonly AuthKitErrorReason[] = [
  'unidentified',
  'invalid_identity',
  'cancelled',
];

const ERRORS: readonly AuthKitErrorReason[] = [
  'secret_rejected',
  'quota_exceeded',
];

/** The log lines of the token service: one for each failed token, without key, header or identity. */
export class TokenLog {
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);

  constructor(private readonly vendor: VendorProfile) {}

  /** @param duration ms since the token was asked for */
  failed(failure: AuthKitException, duration: number): void {
    const { reason } = failure;
    if (NOT_LOGGED.includes(reason)) {
      this.logger.debug(`No token: ${describeFailure(failure, duration)}.`);
      return;
    }
    // Where the vendor was not even asked, what went wrong says it all.
    const advice = failure.upstreamStatus && ADVICE[reason]?.(this.vendor);
    const line = [`No token: ${describeFailure(failure, duration)}.`, advice]
      .filter(Boolean)
      .join(' ');
    if (ERRORS.includes(reason)) this.logger.error(line);
    else this.logger.warn(line);
  }

  private unwise = false;

  /** Once: an identity that will look odd in connection keys. */
  unwiseIdentity(): void {
    if (this.unwise) return;
    this.unwise = true;
    this.logger.warn(
      'An identity contains spaces or colons: they end up in connection keys, where they are hard to tell from separators. Prefer plain ids. (Said once.)',
    );
  }

  /** The token stands, but whether it is white label is not known. */
  flagsMissing(failure: AuthKitException | 'late'): void {
    const why =
      failure === 'late' ? 'no answer in time' : describeFailure(failure);
    this.logger.warn(
      `The account's flags could not be read (${why}): the token says isWhiteLabel: false.`,
    );
  }
}
