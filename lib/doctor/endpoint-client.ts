import { errorCode } from '../authkit.exception.js';

/** The maximum size of a body in bytes: no token is as large. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** A response of the endpoint. */
export interface EndpointResponse {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON; `undefined` for anything else. */
  readonly body: unknown;
}

/** There is no response. The message is our own: an error of the HTTP client may quote a header. */
export class NoResponseError extends Error {}

/**
 * Makes a call as a browser does for the widget. It follows no redirect, which
 * would carry the headers of the user along.
 *
 * @throws {NoResponseError} where there is no response
 */
export async function callEndpoint(
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
  timeout: number,
): Promise<EndpointResponse> {
  try {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeout),
    });
    const { status, headers } = response;
    return { status, headers, body: parseJson(await readBody(response)) };
  } catch (error) {
    throw new NoResponseError(describe(error, timeout));
  }
}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES)
      throw new NoResponseError('the body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describe(error: unknown, timeout: number): string {
  if (error instanceof NoResponseError) return error.message;
  const { name, cause } = error as Error;
  if (name === 'TimeoutError') return `no response within ${timeout} ms`;
  const code = errorCode(cause) ?? errorCode(error);
  return code ? `no response (${code})` : 'no response';
}
