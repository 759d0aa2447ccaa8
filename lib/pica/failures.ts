import type { AxiosResponse } from 'axios';
import {
  AuthKitException,
  type AuthKitErrorDetails,
  type AuthKitErrorReason,
} from './authkit.exception.js';
import { errorCode } from './error-code.js';
import { parseRetryAfter } from './retry-after.js';

const CORRELATION_ID = 'x-one-correlation-id';

/** An answer of Pica's before its body is read. */
export type PicaResponse = Pick<
  AxiosResponse<Buffer>,
  'status' | 'headers' | 'data'
>;

/**
 * What an answer that is not a success means. Only its status is believed:
 * Pica's error bodies disagree with it at times.
 */
export function failureOf(response: PicaResponse): AuthKitException {
  return new AuthKitException(reasonOf(response.status), {
    ...detailsOf(response),
    retryAfter: parseRetryAfter(response.headers['retry-after']),
  });
}

/** What an answer with a good status and an unbelievable body means. */
export function malformed(
  response: PicaResponse,
  what: string,
): AuthKitException {
  return new AuthKitException('malformed', {
    ...detailsOf(response),
    cause: new Error(what),
  });
}

/**
 * What an error of the HTTP client means. Nothing of the error itself is kept
 * but its code: an AxiosError carries the request's headers, and with them the secret.
 */
export function failureOfError(error: unknown): AuthKitException {
  if (error instanceof AuthKitException) return error;
  const upstreamCode = errorCode(error);
  const { message } = (error ?? {}) as { message?: unknown };
  const tooLarge = String(message).startsWith('maxContentLength');
  const notDecompressible = upstreamCode?.startsWith('Z_');
  return new AuthKitException(
    tooLarge || notDecompressible ? 'malformed' : 'unavailable',
    { upstreamCode },
  );
}

/** Whether the same call can succeed when it is made again. */
export function isPassing(failure: AuthKitException): boolean {
  const { reason, upstreamStatus } = failure;
  if (upstreamStatus === undefined) {
    return reason === 'unavailable' || reason === 'timed_out';
  }
  return [408, 429, 500, 502, 503, 504].includes(upstreamStatus);
}

/** Forgets a correlation id that quotes the secret key, before anything makes a log line of it. */
export function dropQuotes({ headers }: PicaResponse, secret: string): void {
  if (String(headers[CORRELATION_ID]).includes(secret)) {
    delete headers[CORRELATION_ID];
  }
}

/** What an answer tells of itself, for the log and for Pica's support. */
function detailsOf({ status, headers }: PicaResponse): AuthKitErrorDetails {
  const id: unknown = headers[CORRELATION_ID];
  return {
    upstreamStatus: status,
    // It goes into log lines, so it has to look like an id.
    correlationId:
      typeof id === 'string' && /^[\w.:-]{1,128}$/.test(id) ? id : undefined,
  };
}

function reasonOf(status: number): AuthKitErrorReason {
  if (status === 401 || status === 403) return 'secret_rejected';
  if (status === 402) return 'quota_exceeded';
  if (status === 429) return 'rate_limited';
  if (status === 408) return 'unavailable';
  if (status >= 400 && status < 500) return 'rejected';
  return 'unavailable';
}
