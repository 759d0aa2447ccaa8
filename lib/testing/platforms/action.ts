import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { EmulatorConnection } from '../connections.js';

/**
 * An action of a platform: a row of `GET /v1/available-actions/{platform}`.
 *
 * @publicApi
 */
export interface EmulatorAction {
  /** The id that a call names: `conn_mod_def::…`. */
  readonly systemId: string;
  readonly title: string;
  /** E.g. `api::gmail::v1::Labels::get_many`. */
  readonly key: string;
  readonly modelName: string;
  readonly method: string;
  /** The path of the platform's own API, with `{{placeholders}}`. */
  readonly path: string;
  /** Calls of an action tagged `custom` need `connectionKey` in their JSON body. */
  readonly tags: readonly string[];
}

/**
 * A call to a platform, as a handler receives it. The body is an
 * `AsyncIterable` of its bytes, and can be read once.
 *
 * @publicApi
 */
export interface EmulatorPlatformRequest {
  readonly method: string;
  /** The path of the platform's own API, as received: `/gmail/v1/users/me/labels`. */
  readonly path: string;
  /** The decoded values of the placeholders of the action's path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The names are in lower case. Secret and connection key are among them. */
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
  /** The whole body, up to 10 MB. */
  bytes(): Promise<Buffer>;
  /** The whole body, up to 10 MB. */
  text(): Promise<string>;
  /** The whole body, up to 10 MB. */
  // The JSON of any API.
  // oxlint-disable-next-line typescript/no-explicit-any
  json(): Promise<any>;
  /** The connection that the call uses. */
  readonly connection: EmulatorConnection;
  /** Aborts when the client closes the connection. */
  readonly signal: AbortSignal;
}

/**
 * The response of a platform.
 *
 * @publicApi
 */
export interface EmulatorPlatformResponse {
  /** Default: 200 */
  status?: number;
  /** Default: a `content-type` that fits the body. */
  headers?: OutgoingHttpHeaders;
  /** An object is sent as JSON, a string or bytes as they are, a stream or another async iterable as fast as the client reads it. */
  body?: unknown;
}

/**
 * Responds to the calls of an action. If it throws, the response is a 500 and a process warning.
 *
 * @publicApi
 */
export type EmulatorPlatformHandler = (
  request: EmulatorPlatformRequest,
) => EmulatorPlatformResponse | Promise<EmulatorPlatformResponse>;

/** An action with its platform and handler. */
export interface PlatformAction extends EmulatorAction {
  readonly platform: string;
  readonly handle: EmulatorPlatformHandler;
}

/** What `pica.platform()` may be given beside the handler. */
export interface ActionDetails {
  title?: string;
  key?: string;
  tags?: readonly string[];
  systemId?: string;
}

export function createAction(
  platform: string,
  method: string,
  path: string,
  handle: EmulatorPlatformHandler,
  details: ActionDetails = {},
): PlatformAction {
  const modelName = modelNameOf(path);
  const verb = method.toLowerCase();
  return {
    platform,
    method: method.toUpperCase(),
    path: `/${trim(path)}`,
    handle,
    modelName,
    systemId: details.systemId ?? systemIdOf(platform, method, path),
    title: details.title ?? `${method.toUpperCase()} ${modelName}`,
    key: details.key ?? `api::${platform}::v1::${modelName}::${verb}`,
    tags: details.tags ?? [],
  };
}

/** The action as the service lists it. */
export function toActionRow({
  platform: _platform,
  handle: _handle,
  ...row
}: PlatformAction): EmulatorAction {
  return row;
}

/**
 * Compares a path with the pattern of an action, segment by segment.
 *
 * @returns the decoded values of the placeholders; `undefined` if it does not match
 */
export function matchAction(
  pattern: string,
  path: string,
): Record<string, string> | undefined {
  const wanted = trim(pattern).split('/');
  const segments = trim(path).split('/');
  if (wanted.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const found = segmentPattern(wanted[index]!).exec(segment);
    if (!found) return undefined;
    for (const [name, value] of Object.entries(found.groups ?? {})) {
      params[Buffer.from(name.slice(1), 'hex').toString()] = decode(value);
    }
  }
  return params;
}

/** Placeholders may be a part of a segment, and have names that no group of a RegExp may have. */
function segmentPattern(segment: string): RegExp {
  const source = segment.split(/(\{\{[^}]*\}\})/).map((part) => {
    const name = /^\{\{(.*)\}\}$/.exec(part)?.[1];
    return name === undefined
      ? part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      : `(?<p${Buffer.from(name).toString('hex')}>.+)`;
  });
  return new RegExp(`^${source.join('')}$`);
}

function trim(path: string): string {
  return path.replace(/^\/+/, '');
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** The last part of a path that is a name: `Labels` of `/users/{{userId}}/labels`. */
function modelNameOf(path: string): string {
  const names = path.split(/[^A-Za-z]+/).filter(Boolean);
  const fixed = path.replace(/\{\{[^}]*\}\}/g, '').match(/[A-Za-z]+/g);
  const name = fixed?.at(-1) ?? names.at(-1) ?? 'Root';
  return name[0]!.toUpperCase() + name.slice(1);
}

/** Looks like the service's ids, and is the same in every run. */
function systemIdOf(platform: string, method: string, path: string): string {
  const hash = createHash('sha256')
    .update(`${platform} ${method.toUpperCase()} ${trim(path)}`)
    .digest('base64url');
  return `conn_mod_def::${hash.slice(0, 11)}::${hash.slice(11, 33)}`;
}
