import { AuthKitException } from '../authkit.exception.js';
import { shuttingDown } from '../core/lifetime.js';
import type { HttpResponse } from '../pica/http-client.js';
import { isRecord } from '../pica/json-checks.js';
import {
  fromNetworkError,
  fromResponse,
  type ResponseFacts,
} from '../pica/upstream-error.js';
import { decode, isDroppedFromResponse } from './call-request.js';

/** How much of an error is read to tell whose it is. The vendor's own are shorter. */
const MAX_PEEKED_BYTES = 16 * 1024;

/** How long a body may lie unread once its consumer has begun to read it, in ms. */
const MAX_PAUSE_MS = 300_000;

/** The connection is gone, or its credentials are dead. */
export const CONNECTION_LOST = Symbol('connection lost');

/** A body of which the beginning was read. */
export interface PeekedBody {
  readonly beginning: readonly Buffer[];
  /** `undefined` if the beginning is the whole. */
  readonly rest: AsyncIterator<Buffer> | undefined;
}

/** Reads the beginning of a body, if it is an error: 16 kB, or less if it ends before. */
export async function peek({
  status,
  data,
}: HttpResponse): Promise<PeekedBody> {
  const rest = data.iterator() as AsyncIterator<Buffer>;
  const beginning: Buffer[] = [];
  let size = status < 400 ? MAX_PEEKED_BYTES : 0;
  while (size < MAX_PEEKED_BYTES) {
    const { value, done } = await rest.next();
    if (done) return { beginning, rest: undefined };
    beginning.push(value);
    size += value.length;
  }
  return { beginning, rest };
}

/**
 * Tells whose an error is: Pica's own fail the call, those of the platform are
 * responses. The vendor's body is an object with `correlationId`, `key`, `type`
 * and a `status` that equals the HTTP status (One's OpenAPI document). A refused
 * key may also be bare text.
 *
 * @returns the failure, {@link CONNECTION_LOST}, or `undefined` for a response of the platform
 */
export function classify(
  { status, headers }: HttpResponse,
  { beginning, rest }: PeekedBody,
  facts: ResponseFacts,
): AuthKitException | typeof CONNECTION_LOST | undefined {
  // A longer body is the platform's.
  if (rest || status < 400) return undefined;
  const text = Buffer.concat(beginning).toString().trim();
  const isRefusal =
    (status === 401 && text === '401 Unauthorized') ||
    (status === 403 && text === '403 Forbidden');
  if (isRefusal) return fromResponse(facts, headers);
  const body = parseObject(text);
  const { correlationId, key, type, message } = body;
  const isVendors =
    body.status === status &&
    [correlationId, key, type].every((field) => typeof field === 'string');
  // Older bodies of the vendor have nothing else than a code beside the message.
  const isLost =
    (isVendors || body.code === 2019) &&
    typeof message === 'string' &&
    message.includes('Connection not found');
  if (isLost) return CONNECTION_LOST;
  if (!isVendors) return undefined;
  if ([401, 402, 403, 429].includes(status)) {
    return fromResponse(facts, headers);
  }
  if (status !== 400 || key !== 'secret_middleware_error') return undefined;
  return fromResponse(facts, headers).with({
    cause: new Error(
      'Pica knows no such action, or the secret key is of another environment than the connection (test or live)',
    ),
  });
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = text.startsWith('{') && JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/**
 * The headers of a response that the app gets: not those of this connection, no
 * cookies, and none that repeats the secret key or the connection key.
 */
export function responseHeaders(
  { headers, data }: HttpResponse,
  secrets: readonly string[],
): [string, string][] {
  const ofConnection = String(headers.connection ?? '').toLowerCase();
  const dropped = ofConnection.split(',').map((name) => name.trim());
  // axios decodes a compressed body. Its length is then another one.
  if (!('rawHeaders' in data)) dropped.push('content-length');
  return Object.entries(headers)
    .map(([name, value]): [string, string] => [name, String(value)])
    .filter(([name, text]) => {
      if (isDroppedFromResponse(name) || dropped.includes(name)) return false;
      const decoded = text.includes('%') ? (decode(text) ?? text) : text;
      return !secrets.some(
        (secret) => text.includes(secret) || decoded.includes(secret),
      );
    });
}

/** The bodies of responses that the app reads. They end when the app closes. */
export class OpenBodies {
  private readonly open = new Set<(reason: AuthKitException) => void>();

  get size(): number {
    return this.open.size;
  }

  /**
   * Makes a body that is read as fast as its consumer reads it.
   *
   * @param abort closes the connection
   * @param timeout ms after which a body that stalls fails, and one that nobody reads ends
   */
  create(
    { beginning, rest }: PeekedBody,
    abort: () => void,
    timeout: number,
    signal: AbortSignal | null | undefined,
  ): ReadableStream<Uint8Array> {
    const chunks = [...beginning];
    let stream!: ReadableStreamDefaultController<Uint8Array>;
    let timer: NodeJS.Timeout | undefined;
    const close = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      this.open.delete(end);
    };
    const end = (reason: AuthKitException) => {
      close();
      abort();
      stream.error(reason);
    };
    const cancel = () => end(new AuthKitException('cancelled'));
    const endAfter = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => end(new AuthKitException('timed_out')), ms);
    };
    this.open.add(end);
    signal?.addEventListener('abort', cancel);
    endAfter(timeout);
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (stream = controller),
        pull: async () => {
          endAfter(timeout);
          try {
            const chunk = chunks.shift() ?? (await rest?.next())?.value;
            // It has ended meanwhile.
            if (!this.open.has(end)) return;
            if (chunk) {
              stream.enqueue(new Uint8Array(chunk));
              endAfter(MAX_PAUSE_MS);
            } else {
              close();
              stream.close();
            }
          } catch (error) {
            if (this.open.has(end)) end(fromNetworkError(error));
          }
        },
        cancel: () => {
          close();
          abort();
        },
      },
      { highWaterMark: 0 },
    );
  }

  closeAll(): void {
    for (const end of this.open) end(shuttingDown());
  }
}

/** Whether the `Response` of a call has a body. */
export function hasBody(method: string, status: number): boolean {
  return method !== 'HEAD' && ![204, 205, 304].includes(status);
}
