import { Readable } from 'node:stream';
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
  headers?: HeadersInit;
  /** Which of the headers `authorization` and `cookie` may be sent to the platform. Default: none */
  allowHeaders?: readonly string[];
  /** What `fetch()` takes. A stream is sent once: such a call is never repeated. */
  body?: BodyInit | Readable | null;
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
  /** Without a leading slash. It may have `{{placeholders}}` that `pathParams` have filled. */
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
  readonly headers: Record<string, string>;
  readonly body: CallBody | undefined;
  readonly json: unknown;
}

/** The body of a call. */
export interface CallBody {
  readonly data: Buffer | Readable;
  /** The content type that `fetch()` would send. */
  readonly type: string | undefined;
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

/** The maximum of `timeout` and `retries`: that of `setTimeout()`. */
const MAX_NUMBER = 2 ** 31 - 1;

/** Headers that hold the caller's own credentials. */
const CREDENTIAL_HEADERS = ['authorization', 'cookie'];

/** Whether a header of a response is for this connection alone, or for a browser. */
export function isDroppedFromResponse(name: string): boolean {
  return (
    name === 'set-cookie' ||
    (CONNECTION_HEADERS.includes(name) && name !== 'content-length')
  );
}

/** Whether a header of the caller must not be sent. */
export function isForbiddenHeader(
  name: string,
  allowed: readonly string[] = [],
): boolean {
  return (
    /^x-(?:pica|one)-/.test(name) ||
    CONNECTION_HEADERS.includes(name) ||
    (CREDENTIAL_HEADERS.includes(name) && !allowed.includes(name))
  );
}

const refuse = (message: string) =>
  new AuthKitException('invalid_argument', { message });

/**
 * Validates a call.
 *
 * @throws {AuthKitException} `invalid_argument`
 */
export function parseCall(path: string, init: AuthKitCallInit): CallRequest {
  if (typeof init !== 'object' || init === null) {
    throw invalidArgument('init', 'an object', init);
  }
  const { method = 'GET', timeout, retries } = init;
  if (typeof method !== 'string' || !/^[a-z]{1,20}$/i.test(method)) {
    throw invalidArgument('method', 'an HTTP method', method);
  }
  for (const [name, value] of Object.entries({ timeout, retries })) {
    const isValid = value !== undefined && value >= 0 && value <= MAX_NUMBER;
    if (value !== undefined && !isValid) {
      throw invalidArgument(name, `a number from 0 to ${MAX_NUMBER}`, value);
    }
  }
  const body = parseBody(init);
  return {
    method: method.toUpperCase(),
    path: parsePath(path, init.pathParams ?? {}),
    query: parseQuery(init.query),
    headers: parseHeaders(init, body),
    body,
    json: init.json,
  };
}

/**
 * Validates a path of a platform: what a server could take for another host or
 * another path is refused.
 */
function parsePath(
  template: unknown,
  params: Record<string, string | number>,
): string {
  if (typeof template !== 'string') {
    throw invalidArgument('path', 'a string', template);
  }
  const path = fillPath(template, params).replace(/^\//, '');
  if (path === '') throw refuse('path must not be empty.');
  if (/^[a-z][a-z0-9+.-]*:/i.test(path)) {
    throw refuse(
      'path must be relative to the API of the platform, without scheme and host. For the URLs of an SDK use fetchFor().',
    );
  }
  if (path.includes('?')) {
    throw refuse('path must not contain ?: pass the query as query.');
  }
  if (/^\/|\/\/|[\\#\p{Cc}\p{Cs}]/u.test(path)) {
    throw refuse('path must not contain //, \\, # or control characters.');
  }
  for (const segment of path.split('/')) {
    const decoded = decode(segment);
    if (decoded === undefined) {
      throw refuse('path has a percent sign that begins no valid escape.');
    }
    // Servers may decode twice, or split at an encoded slash.
    const again = decode(decoded) ?? decoded;
    const parts = [decoded, again].flatMap((text) => text.split(/[/\\]/));
    if (parts.some((part) => part === '.' || part === '..')) {
      throw refuse('path must not contain the segments . and ..');
    }
    if (/[\p{Cc}\p{Cs}\\]/u.test(decoded)) {
      throw refuse('path must not contain encoded control characters or \\.');
    }
  }
  return path;
}

function decode(text: string): string | undefined {
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
    const value = Object.hasOwn(params, name) ? params[name] : undefined;
    const text = typeof value === 'number' ? String(value) : value;
    if (typeof text !== 'string' || ['', '.', '..'].includes(text)) {
      throw refuse(
        `pathParams.${name.slice(0, 100)} must be a string or a number, and not empty, . or ..`,
      );
    }
    return encodeURIComponent(text);
  });
  const [name] = unused;
  if (name === undefined) return path;
  throw refuse(`path has no placeholder {{${name.slice(0, 100)}}}.`);
}

function parseQuery(query: AuthKitCallInit['query']): string {
  if (query === undefined || query === null) return '';
  let parameters: URLSearchParams;
  if (query instanceof URLSearchParams) parameters = query;
  else {
    if (!isRecord(query)) throw invalidArgument('query', 'an object', query);
    parameters = new URLSearchParams();
    for (const [name, values] of Object.entries(query)) {
      for (const value of [values].flat()) {
        if (value === undefined || value === null) continue;
        if (typeof value === 'object') {
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
  { headers, allowHeaders, json }: AuthKitCallInit,
  body: CallBody | undefined,
): Record<string, string> {
  const allowed = [allowHeaders ?? []].flat().map((name) => {
    const lower = String(name).toLowerCase();
    if (CREDENTIAL_HEADERS.includes(lower)) return lower;
    throw refuse('allowHeaders may contain authorization and cookie alone.');
  });
  let given: Headers;
  try {
    given = new Headers(headers);
  } catch {
    throw invalidArgument('headers', 'what fetch() takes', headers);
  }
  const parsed: Record<string, string> = {};
  for (const [name, value] of given) {
    if (isForbiddenHeader(name, allowed)) {
      throw refuse(
        CREDENTIAL_HEADERS.includes(name)
          ? `The header ${name} is not sent, since Pica sets the credentials of the connection. If the platform needs it, pass allowHeaders: ['${name}'].`
          : `The header ${name} must not be set: the module sets it.`,
      );
    }
    parsed[name] = value;
  }
  const type = json === undefined ? body?.type : 'application/json';
  if (type !== undefined) parsed['content-type'] ??= type;
  return parsed;
}

/** Takes what `fetch()` takes. Text and bytes are kept, everything else is streamed. */
function parseBody({
  body,
  json,
  method = 'GET',
}: AuthKitCallInit): CallBody | undefined {
  const hasBody = body !== undefined && body !== null;
  if (hasBody && json !== undefined) {
    throw refuse('Pass body or json, not both.');
  }
  if ((hasBody || json !== undefined) && /^(?:get|head)$/i.test(method)) {
    throw refuse(`A ${method.toUpperCase()} request has no body.`);
  }
  if (json !== undefined) {
    return { data: Buffer.from(JSON.stringify(json)), type: undefined };
  }
  if (!hasBody) return undefined;
  if (typeof body === 'string') {
    return { data: Buffer.from(body), type: 'text/plain;charset=UTF-8' };
  }
  if (ArrayBuffer.isView(body)) {
    const { buffer, byteOffset, byteLength } = body;
    const data = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
    return { data, type: undefined };
  }
  if (body instanceof ArrayBuffer) {
    return { data: Buffer.from(body), type: undefined };
  }
  if (body instanceof Readable) return { data: body, type: undefined };
  if (body instanceof URLSearchParams) {
    const type = 'application/x-www-form-urlencoded;charset=UTF-8';
    return { data: Buffer.from(body.toString()), type };
  }
  const isFetchBody = [Blob, FormData, ReadableStream].some(
    (type) => body instanceof type,
  );
  if (!isFetchBody) throw invalidArgument('body', 'what fetch() takes', body);
  // Node's types of web streams differ from those of the global ones.
  const response = new Response(body as BodyInit);
  const stream = response.body as Parameters<typeof Readable.fromWeb>[0];
  const type = response.headers.get('content-type') ?? undefined;
  return { data: Readable.fromWeb(stream), type };
}
