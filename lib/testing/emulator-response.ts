import { STATUS_CODES, type OutgoingHttpHeaders } from 'node:http';
import { types } from 'node:util';

/** The response of a route or a fault. */
export interface EmulatorResponse {
  status: number;
  /** In addition to `Content-Type` and `Content-Length`, or instead of them. */
  headers?: OutgoingHttpHeaders;
  /** An object is sent as JSON, a string or bytes as they are; `undefined` is an empty body without `Content-Type`. */
  body: unknown;
}

export function encodeBody(body: unknown): Buffer {
  if (typeof body === 'string') return Buffer.from(body);
  if (types.isUint8Array(body)) return Buffer.from(body);
  return Buffer.from(JSON.stringify(body) ?? '');
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Documented are those of 401 and 402; the others are inferred. */
const MESSAGES: Readonly<Record<number, string>> = {
  401: 'Authentication required',
  402: 'Quota exceeded — upgrade plan',
  403: 'Insufficient permissions',
  429: 'Rate limit exceeded',
};

/** The vendor's error response. */
export function errorResponse(
  status: number,
  correlationId: string,
  message = MESSAGES[status] ?? STATUS_CODES[status] ?? 'Unknown error',
): EmulatorResponse {
  const key = 'http_error';
  return { status, body: { correlationId, key, message, type: key, status } };
}
