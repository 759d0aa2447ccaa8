import type { Readable } from 'node:stream';
import { AuthKitException } from '../authkit.exception.js';
import { isRecord } from '../pica/json-checks.js';
import type { HttpResponse } from '../pica/http-client.js';
import { fromResponse } from '../pica/upstream-error.js';
import { isDroppedFromResponse } from './call-request.js';

/** How much of an error is read to tell whose it is. The vendor's own are shorter. */
const MAX_PEEKED_BYTES = 16 * 1024;

/** How long a body may lie unread once its consumer has begun to read it, in ms. */
const MAX_PAUSE_MS = 300_000;

/** Statuses of which a `Response` has no body. */
const NULL_BODY_STATUSES = [204, 205, 304];

/** The connection is gone, or its credentials are dead. */
export const CONNECTION_LOST = Symbol('connection lost');

/** A body of which the beginning was read. */
export interface PeekedBody {
  readonly beginning: readonly Buffer[];
  readonly rest: AsyncIterator<Buffer> | undefined;
}

/** Reads the beginning of a body: 16 kB, or less if it ends before. */
export async function peek(body: Readable): Promise<PeekedBody> {
  const iterator = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const beginning: Buffer[] = [];
  let size = 0;
  while (size < MAX_PEEKED_BYTES) {
    const { value, done } = await iterator.next();
    if (done) return { beginning, rest: undefined };
    beginning.push(value);
    size += value.length;
  }
  return { beginning, rest: iterator };
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
  status: number,
  { beginning, rest }: PeekedBody,
  facts: Parameters<typeof fromResponse>[0],
  headers: HttpResponse['headers'],
): AuthKitException | typeof CONNECTION_LOST | undefined {
  // A longer body is the platform's.
  if (rest) return undefined;
  const text = Buffer.concat(beginning).toString().trim();
  const isRefusal =
    (status === 401 && text === '401 Unauthorized') ||
    (status === 403 && text === '403 Forbidden');
  if (isRefusal) return fromResponse(facts, headers);
  const body = parseObject(text);
  if (!body) return undefined;
  const isVendors =
    [body.correlationId, body.key, body.type].every(
      (field) => typeof field === 'string',
    ) && body.status === status;
  const saysNotFound =
    isVendors &&
    typeof body.message === 'string' &&
    body.message.includes('Connection not found');
  if (saysNotFound || body.code === 2019) return CONNECTION_LOST;
  if (!isVendors) return undefined;
  if ([401, 402, 403, 429].includes(status))
    return fromResponse(facts, headers);
  if (status !== 400 || body.key !== 'secret_middleware_error') {
    return undefined;
  }
  return fromResponse(facts, headers).with({
    cause: new Error(
      'Pica knows no such action, or the secret key is of another environment than the connection (test or live)',
    ),
  });
}

function parseObject(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The headers of a response that the app gets: not those of this connection, no
 * cookies, and none that repeats the secret key or the connection key.
 */
export function responseHeaders(
  { headers, data }: HttpResponse,
  secrets: readonly string[],
): Headers {
  const shown = new Headers();
  // axios decodes a compressed body. Its length is then another one.
  const isDecoded = !('rawHeaders' in data);
  for (const [name, value] of Object.entries(headers)) {
    if (isDroppedFromResponse(name)) continue;
    if (isDecoded && name === 'content-length') continue;
    for (const each of [value as unknown].flat()) {
      const text = String(each);
      if (secrets.some((secret) => text.includes(secret))) continue;
      shown.append(name, text);
    }
  }
  return shown;
}

/** The bodies of responses that the app reads. They end when the app closes. */
export class OpenBodies {
  private readonly open = new Set<() => void>();

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
    let timer: NodeJS.Timeout | undefined;
    let fail: (reason: AuthKitException) => void = () => {};
    const end = (reason: AuthKitException) => {
      close();
      abort();
      fail(reason);
    };
    const cancel = () => end(new AuthKitException('cancelled'));
    const shutDown = () =>
      end(
        new AuthKitException('unavailable', {
          cause: new Error('the app is shutting down'),
        }),
      );
    const close = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      this.open.delete(shutDown);
    };
    const endAfter = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => end(new AuthKitException('timed_out')), ms);
    };
    this.open.add(shutDown);
    signal?.addEventListener('abort', cancel);
    endAfter(timeout);
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          fail = (reason) => controller.error(reason);
        },
        pull: async (controller) => {
          endAfter(timeout);
          try {
            const chunk = chunks.shift() ?? (await rest?.next())?.value;
            if (!chunk) {
              close();
              return controller.close();
            }
            controller.enqueue(new Uint8Array(chunk));
            endAfter(MAX_PAUSE_MS);
          } catch {
            end(new AuthKitException('unavailable'));
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
    for (const shutDown of this.open) shutDown();
  }
}

/** Whether a response has a body. */
export function hasBody(method: string, status: number): boolean {
  return method !== 'HEAD' && !NULL_BODY_STATUSES.includes(status);
}
