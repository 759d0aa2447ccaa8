import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';

/**
 * Why there is no token.
 *
 * | reason | when | HTTP answer |
 * |---|---|---|
 * | `unidentified` | the request carries no identity | 401 |
 * | `invalid_identity` | the identity is not one that Pica can hold | 400 |
 * | `secret_rejected` | Pica refuses the secret key (401, 403) | 502 |
 * | `quota_exceeded` | the plan's quota is used up (402) | 503 |
 * | `rate_limited` | too many calls (429), after retries | 503 with `Retry-After` |
 * | `rejected` | Pica refuses the request (another 4xx) | 502 |
 * | `unavailable` | no connection, 5xx after retries, a redirect | 502 |
 * | `timed_out` | no token within the `timeout` option, or the last attempt of a call beyond `attemptTimeout` | 504 |
 * | `malformed` | an answer that is not JSON, not a token, or too large | 502 |
 * | `cancelled` | the caller's signal, or the client has gone | none: nobody listens |
 */
export type AuthKitErrorReason =
  | 'unidentified'
  | 'invalid_identity'
  | 'secret_rejected'
  | 'quota_exceeded'
  | 'rate_limited'
  | 'rejected'
  | 'unavailable'
  | 'timed_out'
  | 'malformed'
  | 'cancelled';

/** What is known of a failure beside its reason. */
export interface AuthKitErrorDetails {
  /** The sentence that the widget shows. Default: one for the reason. */
  message?: string;
  /** The status that Pica answered with. */
  upstreamStatus?: number;
  /** The code of a failed connection, e.g. `ECONNREFUSED`. */
  upstreamCode?: string;
  /** Pica's name for the failed call, which its support asks for. */
  correlationId?: string;
  /** After how many seconds another try makes sense. */
  retryAfter?: number;
  /** How many times the failed call was made. */
  attempts?: number;
  /** What went wrong, in words of our own, for the operator: never an error of the HTTP client. */
  cause?: Error;
}

/** "Client Closed Request", the status that proxies log when the client has gone: HTTP itself names none. */
const CLIENT_CLOSED_REQUEST = 499;

const SUPPORT = 'Please contact the support of this app.';

const ANSWERS: Readonly<
  Record<AuthKitErrorReason, readonly [status: number, message: string]>
> = {
  unidentified: [
    401,
    'You are not signed in. Please sign in and open this dialog again.',
  ],
  invalid_identity: [
    400,
    `Your account cannot be used to connect integrations. ${SUPPORT}`,
  ],
  secret_rejected: [
    502,
    `This app is not set up correctly for connecting accounts. ${SUPPORT}`,
  ],
  quota_exceeded: [
    503,
    `This app cannot connect more accounts at the moment. ${SUPPORT}`,
  ],
  rate_limited: [
    503,
    'Too many requests at the moment. Please try again shortly.',
  ],
  rejected: [
    502,
    `The integration service did not accept the request. ${SUPPORT}`,
  ],
  unavailable: [
    502,
    'The integration service is not available at the moment. Please try again.',
  ],
  timed_out: [
    504,
    'The integration service took too long to answer. Please try again.',
  ],
  malformed: [
    502,
    'The integration service gave an answer that makes no sense. Please try again later.',
  ],
  cancelled: [CLIENT_CLOSED_REQUEST, 'The request was cancelled.'],
};

/**
 * The only error that this package throws while it serves requests. As an
 * `HttpException` it becomes an HTTP answer by itself: Nest's usual
 * `{ statusCode, message, error }`, plus `reason`. Its `message` is written
 * for the user in front of the widget; what the operator needs is in
 * {@link reason}, {@link upstreamStatus} and {@link correlationId}, and in the
 * log. It never holds the secret key, a request header or the HTTP client's error.
 *
 * @example
 * ```ts
 * try {
 *   return await this.tokens.create(who);
 * } catch (error) {
 *   if (error instanceof AuthKitException && error.reason === 'rate_limited') {
 *     // try again after error.retryAfter seconds
 *   }
 *   throw error;
 * }
 * ```
 *
 * @publicApi
 */
export class AuthKitException extends HttpException {
  /** Why there is no token. */
  readonly reason: AuthKitErrorReason;
  /** The status that Pica answered with, where it answered. */
  readonly upstreamStatus?: number;
  /** The code of the failed connection, e.g. `ECONNREFUSED` or `CERT_HAS_EXPIRED`, where there was no answer. */
  readonly upstreamCode?: string;
  /** Pica's name for the failed call, where it gave one. */
  readonly correlationId?: string;
  /** After how many seconds another try makes sense, where known. */
  readonly retryAfter?: number;
  /** How many times the failed call was made, where one was. */
  readonly attempts?: number;

  constructor(reason: AuthKitErrorReason, details: AuthKitErrorDetails = {}) {
    const [statusCode, defaultMessage] = ANSWERS[reason];
    const message = details.message ?? defaultMessage;
    const error = STATUS_CODES[statusCode] ?? 'Client Closed Request';
    super({ statusCode, message, error, reason }, statusCode, {
      cause: details.cause,
    });
    this.name = 'AuthKitException';
    this.message = message;
    this.reason = reason;
    this.upstreamStatus = details.upstreamStatus;
    this.upstreamCode = details.upstreamCode;
    this.correlationId = details.correlationId;
    this.retryAfter = details.retryAfter;
    this.attempts = details.attempts;
  }

  /** The same failure with more known of it. @internal */
  with({
    reason = this.reason,
    attempts,
  }: {
    reason?: AuthKitErrorReason;
    attempts?: number;
  }): AuthKitException {
    const { upstreamStatus, upstreamCode, correlationId, retryAfter } = this;
    return new AuthKitException(reason, {
      message: reason === this.reason ? this.message : undefined,
      upstreamStatus,
      upstreamCode,
      correlationId,
      retryAfter,
      attempts: attempts ?? this.attempts,
      cause: this.cause as Error | undefined,
    });
  }
}
