import { pipeline, Readable, Transform } from 'node:stream';
import { AuthKitException, invalidArgument } from '../authkit.exception.js';
import type { AuthKitAction } from '../authkit.types.js';
import { isRecord } from '../pica/json-checks.js';

/** The settings of one call to a platform. */
export interface AuthKitCallInit {
  /** The HTTP method. Default: `GET` */
  method?: string;
  /** The action: its `systemId`, or a row of `actions()`. Default: found by method and path */
  action?: string | AuthKitAction;
  /** The values of the `{{placeholders}}` of the path. They are percent-encoded. */
  pathParams?: Record<string, string | number>;
  /** The query. A list repeats the name. `undefined` and `null` are left out. */
  query?: Record<string, QueryValue | readonly QueryValue[]> | URLSearchParams;
  headers?: RequestInit['headers'];
  /** Which of the headers `authorization` and `cookie` may be sent to the platform. Default: none */
  allowHeaders?: readonly string[];
  /** What `fetch()` takes. A stream is sent once: such a call is never repeated. */
  body?: NonNullable<RequestInit['body']> | Readable | null;
  /** Sent as JSON. */
  json?: unknown;
  /** Cancels the call, and the body of its response. */
  signal?: AbortSignal | null;
  /** The time in ms until the headers of the response are there, with all look-ups and retries. Default: the option `timeout` */
  timeout?: number;
  /** The number of times to retry the call. Default: the option `retries` for GET and HEAD, 0 for others */
  retries?: number;
}

type QueryValue = string | number | boolean | null | undefined;

/** A validated call. */
export interface CallRequest {
  readonly method: string;
  /** Without a leading slash, its placeholders filled. */
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer | Readable | undefined;
  readonly json: unknown;
}

/** Headers that belong to one connection (RFC 9110, 7.6.1), and those that the HTTP client sets. */
const CONNECTION_HEADERS = [
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Headers that hold the caller's own credentials. */
const CREDENTIAL_HEADERS = ['authorization', 'cookie'];

/** The maximum of `timeout` and `retries`: that of `setTimeout()`. */
const MAX_NUMBER = 2 ** 31 - 1;

/** Whether a header of a response is for this connection alone, or for a browser. */
export function isDroppedFromResponse(name: string): boolean {
  const isOfConnection = CONNECTION_HEADERS.includes(name);
  return name === 'set-cookie' || (isOfConnection && name !== 'content-length');
}

/** Whether a header of the caller must not be sent. Some servers read `_` as `-`. */
export function isForbiddenHeader(
  name: string,
  allowed: readonly string[] = [],
): boolean {
  return (
    /^x[-_](?:pica|one)[-_]/.test(name) ||
    CONNECTION_HEADERS.includes(name.replaceAll('_', '-')) ||
    (CREDENTIAL_HEADERS.includes(name) && !allowed.includes(name))
  );
}

/** The error for an argument that has the right type, and that is refused. */
export function refused(message: string): AuthKitException {
  return new AuthKitException('invalid_argument', { message });
}

/** Whether a value can be a `timeout`, or the number of `retries`. */
export function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_NUMBER;
}

/**
 * Validates a call.
 *
 * @throws {AuthKitException} `invalid_argument`
 */
export function parseCall(path: string, init: AuthKitCallInit): CallRequest {
  if (typeof init !== 'object' || init === null) {
    throw invalidArgument('init', 'an object', init);
  }
  const { method = 'GET', timeout, retries, json } = init;
  // fetch() refuses these three too: TRACE responds with the headers of the request.
  const isMethod =
    typeof method === 'string' &&
    /^(?!(?:connect|trace|track)$)[a-z]{1,20}$/i.test(method);
  if (!isMethod) throw invalidArgument('method', 'an HTTP method', method);
  for (const [name, value] of Object.entries({ timeout, retries })) {
    if (value === undefined || isAmount(value)) continue;
    throw invalidArgument(name, `a number from 0 to ${MAX_NUMBER}`, value);
  }
  const { data, type } = parseBody(init);
  return {
    method: method.toUpperCase(),
    path: parsePath(path, init.pathParams ?? {}),
    query: parseQuery(init.query),
    headers: parseHeaders(init, type),
    body: data,
    json,
  };
}

/** Validates a path of a platform: what a server could take for another host or path is refused. */
function parsePath(
  template: unknown,
  params: Record<string, string | number>,
): string {
  if (typeof template !== 'string') {
    throw invalidArgument('path', 'a string', template);
  }
  const path = fillPath(template, params).replace(/^\//, '');
  if (path === '') throw refused('path must not be empty.');
  if (/^[a-z][a-z0-9+.-]*:/i.test(path)) {
    throw refused(
      'path must be relative to the API of the platform, without scheme and host. For the URLs of an SDK use fetchFor().',
    );
  }
  if (path.includes('?')) {
    throw refused('path must not contain ?: pass the query as query.');
  }
  if (/^\/|\/\/|[\\#\p{Cc}\p{Cs}]/u.test(path)) {
    throw refused('path must not contain //, \\, # or control characters.');
  }
  for (const segment of path.split('/')) {
    const decoded = decode(segment);
    if (decoded === undefined) {
      throw refused('path has a percent sign that begins no valid escape.');
    }
    // Servers may decode twice, split at an encoded slash, or drop what follows a semicolon.
    const parts = `${decoded}/${decode(decoded) ?? ''}`.split(/[/\\]/);
    if (parts.some((part) => /^\.\.?(?:;|$)/.test(part))) {
      throw refused('path must not contain the segments . and ..');
    }
    if (/[\p{Cc}\p{Cs}\\]/u.test(decoded)) {
      throw refused('path must not contain encoded control characters or \\.');
    }
  }
  return path;
}

/** Decodes the percent escapes of a text. `undefined` if one is invalid. */
export function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Fills the `{{placeholders}}` of a path. */
function fillPath(
  template: string,
  params: Record<string, string | number>,
): string {
  const unused = new Set(Object.keys(params));
  const path = template.replaceAll(/\{\{([^{}]*)\}\}/g, (_, given: string) => {
    const name = given.trim();
    unused.delete(name);
    const value: unknown = Object.hasOwn(params, name) && params[name];
    const text = typeof value === 'number' ? String(value) : value;
    if (typeof text === 'string' && !/^\.{0,2}$|\p{Cs}/u.test(text)) {
      return encodeURIComponent(text);
    }
    throw refused(
      `pathParams.${name.slice(0, 100)} must be a string or a number, and not empty, . or ..`,
    );
  });
  const [name] = unused;
  if (name === undefined) return path;
  throw refused(`path has no placeholder {{${name.slice(0, 100)}}}.`);
}

function parseQuery(query: AuthKitCallInit['query'] | null): string {
  let parameters = new URLSearchParams();
  if (query instanceof URLSearchParams) parameters = query;
  else if (query !== undefined && query !== null) {
    if (!isRecord(query)) throw invalidArgument('query', 'an object', query);
    for (const [name, values] of Object.entries(query)) {
      for (const value of [values].flat()) {
        if (value === undefined || value === null) continue;
        if (!['string', 'number', 'boolean'].includes(typeof value)) {
          throw invalidArgument(`query.${name}`, 'a string or a list', value);
        }
        parameters.append(name, String(value));
      }
    }
  }
  const text = parameters.toString();
  return text && `?${text}`;
}

function parseHeaders(
  { headers, allowHeaders }: AuthKitCallInit,
  type: string | undefined,
): Record<string, string> {
  const allowed = [allowHeaders ?? []].flat().map((name) => {
    const lower = String(name).toLowerCase();
    if (CREDENTIAL_HEADERS.includes(lower)) return lower;
    throw refused('allowHeaders may contain authorization and cookie alone.');
  });
  if (headers === undefined) return type ? { 'content-type': type } : {};
  let given: Headers;
  try {
    given = new Headers(headers);
  } catch {
    throw invalidArgument('headers', 'what fetch() takes', headers);
  }
  for (const name of given.keys()) {
    if (!isForbiddenHeader(name, allowed)) continue;
    throw refused(
      CREDENTIAL_HEADERS.includes(name)
        ? `The header ${name} is not sent, since Pica sets the credentials of the connection. If the platform needs it, pass allowHeaders: ['${name}'].`
        : `The header ${name} must not be set: the module sets it.`,
    );
  }
  if (type && !given.has('content-type')) given.set('content-type', type);
  return Object.fromEntries(given);
}

interface Body {
  readonly data?: Buffer | Readable;
  /** The content type that `fetch()` would send. */
  readonly type?: string;
}

/** Takes what `fetch()` takes. Text and bytes are kept, everything else is streamed. */
function parseBody({ body, json, method = 'GET' }: AuthKitCallInit): Body {
  const hasBody = body !== undefined && body !== null;
  if (hasBody && json !== undefined) {
    throw refused('Pass body or json, not both.');
  }
  if ((hasBody || json !== undefined) && /^(?:get|head)$/i.test(method)) {
    throw refused(`A ${method.toUpperCase()} request has no body.`);
  }
  if (json !== undefined) return { data: toJson(json), type: JSON_TYPE };
  if (!hasBody) return {};
  if (body instanceof Readable) return { data: unbreakable(body) };
  if (body instanceof ArrayBuffer) return { data: Buffer.from(body) };
  if (ArrayBuffer.isView(body)) {
    const { buffer, byteOffset, byteLength } = body;
    return { data: Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength) };
  }
  const isText = typeof body === 'string' || body instanceof URLSearchParams;
  const isStreamed = [Blob, FormData, ReadableStream].some(
    (type) => body instanceof type,
  );
  if (!isText && !isStreamed) {
    throw invalidArgument('body', 'what fetch() takes', body);
  }
  let response: Response;
  try {
    response = new Response(body as NonNullable<RequestInit['body']>);
  } catch {
    throw refused('body was read already.');
  }
  const type = response.headers.get('content-type') ?? undefined;
  if (isText) return { data: Buffer.from(String(body)), type };
  // Node's types of web streams differ from those of the global ones.
  const stream = response.body as Parameters<typeof Readable.fromWeb>[0];
  return { data: unbreakable(Readable.fromWeb(stream)), type };
}

export const JSON_TYPE = 'application/json';

/** @throws {AuthKitException} `invalid_argument` for what JSON does not have */
export function toJson(value: unknown): Buffer {
  try {
    return Buffer.from(JSON.stringify(value));
  } catch {
    throw invalidArgument('json', 'what JSON.stringify() takes', value);
  }
}

/** A stream that may fail before it is sent, or have chunks that cannot be sent: neither must end the process. */
function unbreakable(stream: Readable): Readable {
  stream.on('error', () => {});
  if (!stream.readableObjectMode) return stream;
  const checked = new Transform({
    writableObjectMode: true,
    transform: (chunk, _, done) => {
      const isText = typeof chunk === 'string' || chunk instanceof Uint8Array;
      done(isText ? null : new TypeError('not a chunk of a body'), chunk);
    },
  });
  return pipeline(stream, checked, () => {});
}
