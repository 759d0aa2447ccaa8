import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { formatType } from './format-value.js';

/**
 * Why a request failed.
 *
 * | reason | when | HTTP status |
 * |---|---|---|
 * | `unidentified` | the request carries no identity | 401 |
 * | `invalid_identity` | Pica cannot hold the identity | 400 |
 * | `secret_rejected` | Pica refuses the secret key (401, 403) | 502 |
 * | `quota_exceeded` | the quota of the plan is used up (402) | 503 |
 * | `rate_limited` | too many calls (429), after retries | 503 with `Retry-After` |
 * | `rejected` | Pica refuses the request (another 4xx) | 502 |
 * | `unavailable` | no connection, 5xx after retries, a redirect | 502 |
 * | `timed_out` | no result within the `timeout` option, or the last attempt of a call took longer than `attemptTimeout` | 504 |
 * | `malformed` | a response that is not JSON, not what was requested, or too large | 502 |
 * | `not_found` | the owner has no such connection | 404 |
 * | `invalid_argument` | an argument of the wrong type or form | 400 |
 * | `not_connected` | the owner has no connection that a call through Pica could use | 409 |
 * | `reconnect_required` | the owner has such connections, but none works: the user has to connect again | 409 |
 * | `ambiguous` | the owner has several such connections | 409 |
 * | `cancelled` | the caller's signal, or the client has closed the connection | none: nobody receives it |
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
  | 'not_found'
  | 'invalid_argument'
  | 'not_connected'
  | 'reconnect_required'
  | 'ambiguous'
  | 'cancelled';

/** The details of a failure. */
export interface AuthKitErrorDetails {
  /** The sentence that the widget shows. Default: one for the reason */
  message?: string;
  /** The status of Pica's response. */
  upstreamStatus?: number;
  /** The code of a failed connection, e.g. `ECONNREFUSED`. */
  upstreamCode?: string;
  /** Host and path of the failed call, e.g. `api.picaos.com/v1/authkit`. @internal */
  upstreamCall?: string;
  /** Pica's id of the failed call, for its support. */
  correlationId?: string;
  /** Seconds to wait before another request. */
  retryAfter?: number;
  /** The number of times that the failed call was made. */
  attempts?: number;
  /** The number of connections that `deleteAll()` had deleted before it failed. */
  deleted?: number;
  /** What went wrong, in our own words, for the operator. Never an error of the HTTP client. */
  cause?: Error;
}

/** "Client Closed Request": the status that proxies log when the client has closed the connection. HTTP itself has none. */
const CLIENT_CLOSED_REQUEST = 499;

const SUPPORT = 'Please contact the support of this app.';

/** The HTTP status and the message of each reason. */
const RESPONSES: Readonly<
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
  not_found: [404, 'There is no such connection.'],
  invalid_argument: [400, 'The request is not valid.'],
  not_connected: [409, 'No account is connected. Please connect one.'],
  reconnect_required: [
    409,
    'The connection does not work any more. Please connect the account again.',
  ],
  ambiguous: [409, 'Several accounts are connected. Please choose one.'],
  cancelled: [CLIENT_CLOSED_REQUEST, 'The request was cancelled.'],
};

/** The reasons of responses: nobody receives a `cancelled` one. @internal */
export const AUTHKIT_ERROR_REASONS = (
  Object.keys(RESPONSES) as AuthKitErrorReason[]
).filter((reason) => reason !== 'cancelled');

/**
 * The only error that this package throws while it serves requests. It is an
 * `HttpException`: Nest sends its usual `{ statusCode, message, error }`, plus
 * `reason`. The `message` is for the user in front of the widget. What the
 * operator needs is in {@link reason}, {@link upstreamStatus} and
 * {@link correlationId}, and in the log. It never holds the secret key, a
 * request header or the HTTP client's error.
 *
 * @example
 * ```ts
 * try {
 *   return await this.tokens.create(identity);
 * } catch (error) {
 *   if (error instanceof AuthKitException && error.reason === 'rate_limited') {
 *     // retry after error.retryAfter seconds
 *   }
 *   throw error;
 * }
 * ```
 *
 * @publicApi
 */
export class AuthKitException extends HttpException {
  /** Why the request failed. */
  readonly reason: AuthKitErrorReason;
  /** The status of Pica's response, where there was one. */
  readonly upstreamStatus?: number;
  /** The code of the failed connection, e.g. `ECONNREFUSED`, `CERT_HAS_EXPIRED` or, of a proxy, `PROXY_STATUS_407`, where there was no response. */
  readonly upstreamCode?: string;
  /** Pica's id of the failed call, where the response has one. */
  readonly correlationId?: string;
  /** Seconds to wait before another request, where known. */
  readonly retryAfter?: number;
  /** The number of times that the failed call was made, where one was. */
  readonly attempts?: number;
  /** The number of connections that `deleteAll()` had deleted before it failed. */
  readonly deleted?: number;
  readonly #details: AuthKitErrorDetails;

  constructor(reason: AuthKitErrorReason, details: AuthKitErrorDetails = {}) {
    const [statusCode, defaultMessage] = RESPONSES[reason];
    const message = details.message ?? defaultMessage;
    const error = STATUS_CODES[statusCode] ?? 'Client Closed Request';
    super({ statusCode, message, error, reason }, statusCode, {
      cause: details.cause,
    });
    this.#details = details;
    this.name = 'AuthKitException';
    this.message = message;
    this.reason = reason;
    this.upstreamStatus = details.upstreamStatus;
    this.upstreamCode = details.upstreamCode;
    this.correlationId = details.correlationId;
    this.retryAfter = details.retryAfter;
    this.attempts = details.attempts;
    this.deleted = details.deleted;
  }

  /** A copy with other details; with another reason, its default message. @internal */
  with({
    reason = this.reason,
    ...more
  }: AuthKitErrorDetails & {
    reason?: AuthKitErrorReason;
  }): AuthKitException {
    const message = reason === this.reason ? this.message : undefined;
    const details = { ...this.#details, message, ...more };
    return new AuthKitException(reason, details);
  }

  /** Host and path of the failed call, for the log. @internal */
  get upstreamCall(): string | undefined {
    return this.#details.upstreamCall;
  }
}

/**
 * A failure for a log line: its reason and the known details. All of them are
 * ours or were checked for their form, so that nothing from upstream can forge
 * a line. None is the secret key, a header or the identity.
 *
 * @param duration ms that the failed operation took
 */
export function formatFailure(
  failure: AuthKitException,
  duration?: number,
): string {
  const { cause, upstreamStatus, upstreamCode, correlationId } = failure;
  const { reason, retryAfter, attempts, upstreamCall } = failure;
  // A wrong baseUrl or a forgotten emulator shows in these.
  const showsCall = reason === 'unavailable' || upstreamStatus === 404;
  const details = [
    cause instanceof Error && cause.message,
    showsCall && upstreamCall,
    upstreamStatus !== undefined && `upstream status ${upstreamStatus}`,
    upstreamCode,
    correlationId && `correlation id ${correlationId}`,
    retryAfter !== undefined && `retry after ${retryAfter} s`,
    attempts !== undefined && `attempts ${attempts}`,
    duration !== undefined && `${Math.round(duration)} ms`,
  ].filter(Boolean);
  return details.length > 0
    ? `${failure.reason} (${details.join(', ')})`
    : failure.reason;
}

/**
 * The code of an error, e.g. `ECONNREFUSED`. It is the only part of a foreign
 * error that may be shown: the message may quote a URL with a password, or the
 * headers of a request.
 */
export function errorCode(error: unknown): string | undefined {
  try {
    const { code } = (error ?? {}) as { code?: unknown };
    return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code)
      ? code
      : undefined;
  } catch {
    // A getter or a proxy: whatever an app's store rejects with.
    return undefined;
  }
}

/** The error for an argument of the wrong type or form. The value is not shown. */
export function invalidArgument(
  name: string,
  expected: string,
  given: unknown,
): AuthKitException {
  const shown = typeof given === 'number' ? given : formatType(given);
  return new AuthKitException('invalid_argument', {
    message: `${name} must be ${expected}, not ${shown}.`,
  });
}
