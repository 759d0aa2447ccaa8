import {
  AuthKitException,
  errorCode,
  type AuthKitErrorReason,
} from '../authkit.exception.js';
import { BodyTooLargeError } from './received-bytes.js';
import { parseRateLimitReset, parseRetryAfter } from './retry-after.js';
import type { HttpResponse } from './http-client.js';

const CORRELATION_ID = 'x-one-correlation-id';

/** How many characters of what was sent nothing from upstream may repeat. */
const MIN_PART_LENGTH = 8;

/** The minimum length of a text that was sent, and that a correlation id must not repeat: a shorter one is in many ids. */
const MIN_LENGTH = 4;

/** The statuses that may pass when the call is made again. */
const RETRYABLE_STATUSES = [408, 429, 500, 502, 503, 504];

/** What a response says about itself, for the log and for Pica's support. */
export interface ResponseFacts {
  readonly upstreamStatus: number;
  readonly correlationId: string | undefined;
}

/** The error for a response whose status is not a success. Only the status counts: Pica's error bodies contradict it at times. */
export function fromResponse(
  facts: ResponseFacts,
  headers: HttpResponse['headers'],
): AuthKitException {
  const { upstreamStatus: status } = facts;
  const retryAfter = retryAfterOf(status, headers);
  return new AuthKitException(reasonOf(status), { ...facts, retryAfter });
}

/**
 * The error for what the HTTP client throws. Only its code is kept: an
 * AxiosError holds the headers of the request, and with them the secret key.
 */
export function fromNetworkError(error: unknown): AuthKitException {
  if (error instanceof AuthKitException) return error;
  const upstreamCode = errorCode(error);
  const isMalformed =
    error instanceof BodyTooLargeError || upstreamCode?.startsWith('Z_');
  return new AuthKitException(isMalformed ? 'malformed' : 'unavailable', {
    upstreamCode,
    cause: proxyFailure(upstreamCode),
  });
}

/** What to do if the proxy has not opened a tunnel. */
function proxyFailure(code: string | undefined): Error | undefined {
  if (!code?.startsWith('PROXY_')) return undefined;
  return new Error(
    proxyStatus(code) === 407
      ? 'the proxy asks for a user and a password: write them into the URL of HTTPS_PROXY, or http.proxy.auth'
      : 'the proxy has not opened a tunnel: check HTTPS_PROXY and NO_PROXY, or the option http',
  );
}

/** The status with which a proxy has refused a tunnel. */
function proxyStatus(code: string | undefined): number | undefined {
  const status = /^PROXY_STATUS_(\d{3})$/.exec(code ?? '')?.[1];
  return status === undefined ? undefined : Number(status);
}

/** Whether the same call may succeed when it is made again. */
export function isRetryable(failure: AuthKitException): boolean {
  const { reason, upstreamCode } = failure;
  const status = failure.upstreamStatus ?? proxyStatus(upstreamCode);
  if (status !== undefined) return RETRYABLE_STATUSES.includes(status);
  return (
    (reason === 'unavailable' && !isCertificateError(upstreamCode)) ||
    reason === 'timed_out'
  );
}

/** Whether a connection has failed on the certificate of the other side, which does not change between two attempts. */
function isCertificateError(code = ''): boolean {
  return /^(?:PROXY_)?(?:CERT_|ERR_TLS_CERT_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|UNABLE_TO_(?:GET_ISSUER|VERIFY)|INVALID_(?:CA|PURPOSE)|HOSTNAME_MISMATCH)/.test(
    code,
  );
}

/** When a request makes sense again: `Retry-After`, or if a 429 has none, the header that the service is known to send. */
function retryAfterOf(
  status: number,
  headers: HttpResponse['headers'],
): number | undefined {
  const retryAfter = parseRetryAfter(headers['retry-after']);
  if (retryAfter !== undefined || status !== 429) return retryAfter;
  return parseRateLimitReset(headers['x-pica-rate-limit-reset']);
}

/**
 * Pica's id of a call, if the response has one. Log lines show it, so it must
 * look like an id, and repeat nothing of what was sent.
 *
 * @param sent the secret key, and other text that must not be shown
 */
export function correlationIdOf(
  headers: HttpResponse['headers'],
  sent: readonly string[],
): string | undefined {
  const id: unknown = headers[CORRELATION_ID];
  if (typeof id !== 'string' || !/^[\w.:-]{1,128}$/.test(id)) return undefined;
  const isRepeated = sent.some(
    (text) => text.length >= MIN_LENGTH && sharesPart(id, text),
  );
  return isRepeated ? undefined : id;
}

/** Whether a text contains 8 letters and digits in a row of another, or all that it has. Case and separators do not count. */
export function sharesPart(text: string, secret: string): boolean {
  const [shown, hidden] = [text, secret].map((each) =>
    each.toLowerCase().replace(/[^a-z0-9]/g, ''),
  ) as [string, string];
  const length = Math.min(MIN_PART_LENGTH, hidden.length);
  for (let start = 0; start + length <= shown.length; start += 1) {
    if (hidden.includes(shown.slice(start, start + length))) return true;
  }
  return false;
}

function reasonOf(status: number): AuthKitErrorReason {
  if (status === 401 || status === 403) return 'secret_rejected';
  if (status === 402) return 'quota_exceeded';
  if (status === 429) return 'rate_limited';
  if (status === 408) return 'unavailable';
  if (status >= 400 && status < 500) return 'rejected';
  return 'unavailable';
}
