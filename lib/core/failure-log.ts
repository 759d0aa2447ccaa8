import { Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import {
  formatFailure,
  type AuthKitErrorReason,
  type AuthKitException,
} from '../authkit.exception.js';
import {
  ofRegistration,
  type RegisteredOptions,
} from '../options/module.options.js';
import { VENDORS, type Vendor } from '../vendors/index.js';

/** The maximum length of an identity in bytes that every server of the vendor has held. */
const MAX_IDENTITY_BYTES = 128;

/** What the operator can do about a failure, where there is something. */
const ADVICE: Partial<
  Record<AuthKitErrorReason, (vendor: Vendor, keySource: string) => string>
> = {
  secret_rejected: ({ displayName }, keySource) =>
    `${displayName} does not accept the secret key: check ${keySource}, and that the key is of the right environment and not revoked. A new key may need a minute.`,
  quota_exceeded: ({ displayName }) =>
    `The quota of the ${displayName} plan is used up: raise it in the dashboard.`,
  malformed: ({ displayName }) =>
    `The response is not one of ${displayName}'s API, or the API has changed: check baseUrl, proxies, and maxPages.`,
  rejected: ({ displayName }) =>
    `${displayName} refuses the request: its support can look it up by the correlation id.`,
};

/** Failures that concern the caller alone. The response tells the caller, and no operator can help. */
const DEBUG_REASONS: readonly AuthKitErrorReason[] = [
  'unidentified',
  'invalid_identity',
  'cancelled',
  'not_found',
  'invalid_argument',
  'not_connected',
  'reconnect_required',
  'ambiguous',
];

const ERROR_REASONS: readonly AuthKitErrorReason[] = [
  'secret_rejected',
  'quota_exceeded',
];

/** Logs each failed request in one line, without key, header or identity. */
export class FailureLog {
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);
  private readonly vendor: Vendor;
  private readonly keySource: string;
  private isAmbiguityLogged = false;
  private isLengthLogged = false;

  constructor(options: RegisteredOptions) {
    this.vendor = VENDORS[options.vendor];
    this.keySource = describeKeySource(options);
  }

  /**
   * @param outcome begins the line, e.g. `No token`
   * @param duration ms since the request began
   * @param isHandled whether the request goes on all the same
   */
  failed(
    outcome: string,
    failure: AuthKitException,
    duration: number,
    isHandled = false,
  ): void {
    const { reason } = failure;
    const line = `${outcome}: ${formatFailure(failure, duration)}.`;
    if (isHandled || DEBUG_REASONS.includes(reason)) {
      return this.logger.debug(line);
    }
    // Without a call to the vendor, the line says it all.
    const advice =
      failure.upstreamStatus && ADVICE[reason]?.(this.vendor, this.keySource);
    const advised = advice ? `${line} ${advice}` : line;
    if (ERROR_REASONS.includes(reason)) this.logger.error(advised);
    else this.logger.warn(advised);
  }

  /** Warns once of an identity that looks ambiguous in connection keys. */
  warnAmbiguousIdentity(): void {
    if (this.isAmbiguityLogged) return;
    this.isAmbiguityLogged = true;
    this.logger.warn(
      'An identity contains spaces or colons: they end up in connection keys, where they are hard to tell from separators. Prefer plain ids. (Logged once.)',
    );
  }

  /** Warns once of an identity that the vendor's earlier server does not hold. */
  warnLongIdentity(bytes: number): void {
    if (bytes <= MAX_IDENTITY_BYTES || this.isLengthLogged) return;
    this.isLengthLogged = true;
    this.logger.warn(
      `An identity has ${bytes} bytes. ${this.vendor.displayName} may refuse more than ${MAX_IDENTITY_BYTES}, and only when the user has entered the credentials: prefer shorter ids, such as UUIDs. (Logged once.)`,
    );
  }
}

/** Where the secret key comes from. */
function describeKeySource({ secretKey, registration }: RegisteredOptions) {
  const given = secretKey.reveal();
  const suffix = ofRegistration(registration);
  if (typeof given === 'function') {
    return `what the secretKey function${suffix} returns`;
  }
  const variable = Object.values(VENDORS)
    .map(({ secretKeyEnv }) => secretKeyEnv)
    .find((name) => process.env[name] === given);
  return variable ?? `the option secretKey${suffix}`;
}
