import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/**
 * A request that the emulator has received, as listed in `pica.requests`.
 *
 * @publicApi
 */
export interface EmulatorRequest {
  /** In upper case, e.g. `POST`. */
  readonly method: string;
  /** Without the query, as it came: `/v1/authkit`. */
  readonly path: string;
  /** The parameters of the query, decoded; of a repeated one the last. */
  readonly query: Record<string, string>;
  /** The names in lower case, as of `node:http`. */
  readonly headers: IncomingHttpHeaders;
  /**
   * The parsed JSON, or the text where it is none; `undefined` where there is
   * no body, and until it has arrived. Of more than 1 MB the beginning, as text.
   */
  body: unknown;
  /** When it arrived: milliseconds since 1970. */
  readonly startedAt: number;
  /** What was answered; `undefined` until then, and for ever where the connection was reset or hangs. */
  status: number | undefined;
  /** Whether the client went away before it had the whole answer. */
  aborted: boolean;
}

/** The largest body that is taken, in bytes. */
export const MAX_BODY = 1024 * 1024;

/** The entry of the log for a request whose body is yet to come. */
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
  };
}

/** The body of a request, of which no more than {@link MAX_BODY} is kept. */
export interface RequestBody {
  text: string;
  tooLarge: boolean;
}

/**
 * Reads a body to its end, also one that is too large: a client that is still
 * sending would not see the answer.
 *
 * @throws {Error} where the client goes away before the end
 */
export async function readBody(request: IncomingMessage): Promise<RequestBody> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (size < MAX_BODY) chunks.push(chunk.subarray(0, MAX_BODY - size));
    size += chunk.length;
  }
  return {
    text: Buffer.concat(chunks).toString(),
    tooLarge: size > MAX_BODY,
  };
}

/** The parsed JSON, the text where it is none, `undefined` for an empty body. */
export function parseBody({ text, tooLarge }: RequestBody): unknown {
  if (text === '') return undefined;
  try {
    return tooLarge ? text : JSON.parse(text);
  } catch {
    return text;
  }
}
