import { Logger } from '@nestjs/common';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import {
  formatFailure,
  type AuthKitErrorReason,
  type AuthKitException,
} from '../authkit.exception.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import {
  ofRegistration,
  type ResolvedOptions,
} from '../options/resolve-options.js';
import { VENDORS, type Vendor } from '../vendors/index.js';
import type { Diagnostics } from './diagnostics.js';

/** What the operator can do about a failure. */
const ADVICE: Partial<
  Record<AuthKitErrorReason, (vendor: Vendor, keySource: string) => string>
> = {
  secret_rejected: ({ displayName }, keySource) =>
    `${displayName} does not accept the secret key: check ${keySource}, and that the key is of the right environment and not revoked. A new key may need a minute.`,
  quota_exceeded: ({ displayName }) =>
    `The quota of the ${displayName} plan is used up: raise it in the dashboard.`,
  malformed: ({ displayName }) =>
    `The response is not one of ${displayName}'s API, or the API has changed: check baseUrl and proxies.`,
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

  constructor(
    options: ResolvedOptions,
    private readonly diagnostics: Diagnostics,
  ) {
    this.vendor = VENDORS[options.vendor];
    this.keySource = describeKeySource(options);
  }

  /**
   * @param outcome begins the line, e.g. `No token`
   * @param more `duration`: ms since the request began; `isHandled`: whether the
   *   request goes on; `identity`: whose labels end the line
   */
  failed(
    outcome: string,
    failure: AuthKitException,
    {
      duration,
      isHandled = false,
      identity,
    }: {
      duration: number;
      isHandled?: boolean;
      identity: AuthKitIdentity | undefined | null;
    },
  ): void {
    const { reason } = failure;
    const labels = Object.entries(this.diagnostics.labelsFor(identity))
      .map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
      .join('');
    const line = `${outcome}: ${formatFailure(failure, duration)}${labels}.`;
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
}

/** Where the secret key comes from. */
function describeKeySource({ secretKey, registration }: ResolvedOptions) {
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
