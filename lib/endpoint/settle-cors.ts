import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import onHeaders from 'on-headers';

/** Sets the CORS headers that are to leave the machine. */
export type SetHeaders = (
  request: IncomingMessage,
  response: ServerResponse,
) => void;

/** No CORS headers at all. */
export const withoutCors: SetHeaders = () => {};

/** The paths of one route, and its CORS headers. */
interface Rule {
  readonly patterns: readonly RegExp[];
  readonly setHeaders: SetHeaders;
}

/** One listener for each server, whatever the number of routes. */
const rulesOf = new WeakMap<Server, Rule[]>();

/** Responses whose headers are in our hands. */
const settled = new WeakSet<ServerResponse>();

/**
 * Takes the CORS headers of a response into our own hands. An app-wide
 * `enableCors()` comes before every module's middleware, and on Fastify its
 * headers win over ours. So they are settled at the last moment: all are
 * removed, and `setHeaders` sets those that are to leave the machine.
 */
export function settleCors(
  request: IncomingMessage,
  response: ServerResponse,
  setHeaders: SetHeaders,
): void {
  if (settled.has(response)) return;
  settled.add(response);
  onHeaders(response, () => {
    for (const name of response.getHeaderNames()) {
      if (name.startsWith('access-control-')) response.removeHeader(name);
    }
    setHeaders(request, response);
  });
}

/**
 * Does the same for every response on the given paths, for those that never
 * reach the route: preflights that the app's own CORS answers, and bodies that
 * cannot be parsed. Where the paths of two routes overlap, the later one counts.
 */
export function settleCorsOf(
  server: Server,
  paths: readonly string[],
  setHeaders: SetHeaders,
): void {
  const rule = { patterns: paths.map(patternOf), setHeaders };
  const rules = rulesOf.get(server);
  if (rules) return void rules.unshift(rule);

  const own = [rule];
  rulesOf.set(server, own);
  server.prependListener('request', (request, response) => {
    const path = pathOf(request);
    const match = own.find(({ patterns }) =>
      patterns.some((pattern) => pattern.test(path)),
    );
    if (match) settleCors(request, response, match.setHeaders);
  });
}

/** Decoded, as Fastify's router matches it. */
function pathOf({ url = '' }: IncomingMessage): string {
  const [path] = url.split('?', 1);
  try {
    return decodeURIComponent(path!);
  } catch {
    return path!;
  }
}

/** A route's path as the routers match it, with `:name` and `*name` parts. */
function patternOf(path: string): RegExp {
  const source = path
    .replace(/\/+$/, '')
    .replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/:\w+/g, '[^/]+')
    .replaceAll(/\*\w*/g, '.*');
  return new RegExp(`^${source}/?$`, 'i');
}
