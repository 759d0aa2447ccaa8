import { STATUS_CODES, type OutgoingHttpHeaders } from 'node:http';
import { types } from 'node:util';

/** The response of a route or a fault. */
export interface EmulatorResponse {
  status: number;
  /** In addition to `Content-Type` and `Content-Length`, or instead of them. */
  headers?: OutgoingHttpHeaders;
  /**
   * An object is sent as JSON, a string, bytes or an async iterable of them as
   * they are; `undefined` is an empty body without `Content-Type`.
   */
  body: unknown;
  /** What was wrong with the request, for the log. Default: the message of an error. */
  problem?: string;
}

export function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return (
    typeof body === 'object' && body !== null && Symbol.asyncIterator in body
  );
}

/** The response with its whole body. */
export async function collectBody(
  response: EmulatorResponse,
): Promise<EmulatorResponse> {
  if (!isStream(response.body)) return response;
  const chunks: Buffer[] = [];
  for await (const chunk of response.body) chunks.push(Buffer.from(chunk));
  return { ...response, body: Buffer.concat(chunks) };
}

/** What an error response says. */
export function problemOf({
  status,
  body,
  problem,
}: EmulatorResponse): string | undefined {
  if (problem ?? status < 400) return problem;
  const message =
    typeof body === 'object' && body !== null && 'message' in body
      ? body.message
      : body;
  return typeof message === 'string' && message
    ? message.slice(0, 300)
    : STATUS_CODES[status];
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
  key = 'http_error',
): EmulatorResponse {
  return { status, body: { correlationId, key, message, type: key, status } };
}
