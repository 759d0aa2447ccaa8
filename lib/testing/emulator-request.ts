import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/**
 * A request that the emulator has received, as listed in `pica.requests`.
 *
 * @publicApi
 */
export interface EmulatorRequest {
  /** In upper case, e.g. `POST`. */
  readonly method: string;
  /** Without the query, as received: `/v1/authkit`. */
  readonly path: string;
  /** The decoded parameters of the query. Of a repeated one, the last. */
  readonly query: Record<string, string>;
  /** The names are in lower case, as in `node:http`. */
  readonly headers: IncomingHttpHeaders;
  /**
   * The parsed JSON, or the text if it is none. `undefined` without a body, and
   * until it has arrived. Only the beginning, as text, of more than 1 MB, of
   * more than 16 kB with a wrong key, and of a call to a platform with more
   * than 64 kB. Once all have 16 MB, those of the oldest requests are dropped.
   */
  body: unknown;
  /** The time of arrival in ms since 1970. */
  readonly startedAt: number;
  /** The status of the response. `undefined` until then, and for good if the connection was reset or hangs. */
  status: number | undefined;
  /** Whether the client closed the connection before the response was complete. */
  aborted: boolean;
  /** The time in ms until the connection was done with the response. `undefined` until then. */
  durationMs: number | undefined;
  /** What was wrong: the message of the error, or the fault that hit the request. `undefined` if nothing was. */
  problem: string | undefined;
}

/** The largest body that is accepted, in bytes. */
export const MAX_BODY = 1024 * 1024;
/** What is kept of the body of a stranger, in bytes. */
export const MAX_FOREIGN_BODY = 16 * 1024;

/** The log entry of a request whose body has not arrived yet. */
export function describeRequest({
  method = 'GET',
  url = '/',
  headers,
}: IncomingMessage): EmulatorRequest {
  // Not `new URL()`: it would take the first part of `//v1/authkit` for a host.
  const end = url.includes('?') ? url.indexOf('?') : url.length;
  return {
    method,
    path: url.slice(0, end),
    query: Object.fromEntries(new URLSearchParams(url.slice(end))),
    headers,
    body: undefined,
    startedAt: Date.now(),
    status: undefined,
    aborted: false,
    durationMs: undefined,
    problem: undefined,
  };
}

/** The body of a request, cut at the limit. */
export interface RequestBody {
  text: string;
  tooLarge: boolean;
}

/**
 * Reads a body to its end, even if it is too large: a client that is still
 * sending would not read the response.
 *
 * @throws {Error} if the client closes the connection before the end
 */
export async function readBody(
  request: IncomingMessage,
  limit: number,
): Promise<RequestBody> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (size < limit) chunks.push(chunk.subarray(0, limit - size));
    size += chunk.length;
  }
  return {
    text: Buffer.concat(chunks).toString(),
    tooLarge: size > limit,
  };
}

/** The parsed JSON, the text if it is none, `undefined` for an empty body. */
export function parseBody({ text, tooLarge }: RequestBody): unknown {
  if (text === '') return undefined;
  try {
    return tooLarge ? text : JSON.parse(text);
  } catch {
    return text;
  }
}

/** The fields of a JSON object; `undefined` for any other body. */
export function fieldsOf(body: unknown): Record<string, unknown> | undefined {
  return typeof body === 'object' && body !== null && !Array.isArray(body)
    ? (body as Record<string, unknown>)
    : undefined;
}
