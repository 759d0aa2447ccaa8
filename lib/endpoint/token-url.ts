import type { IncomingHttpHeaders } from 'node:http';
import { BadRequestException } from '@nestjs/common';
import { sanitizeForLog } from '../warn-once.js';
import { trimTrailingSlashes } from '../options/trim-slashes.js';

/** What the path of the grant route adds to that of the token route. */
const GRANT = '/grant';

/** The part of a request that Express and Fastify share. Protocol and host depend on the proxies that the app trusts. */
export interface PlatformRequest {
  readonly headers: IncomingHttpHeaders;
  readonly protocol: string;
  /** With the port; on Express 4 without, and deprecated. */
  readonly host?: string;
  /** Without the port; on Fastify 4 with it. */
  readonly hostname?: string;
  /** The requested path, with the query. Early versions of Fastify 4 lack it. */
  readonly originalUrl?: string;
  /** On Express the path within a router. */
  readonly url: string;
}

/** The host of a request, with its port. */
export function hostOf(request: PlatformRequest): string | undefined {
  if (isExpress4(request)) return hostOfExpress4(request);
  return request.host ?? request.hostname ?? request.headers.host;
}

/** Express 5 has no `param()`. */
function isExpress4(request: object): boolean {
  return 'param' in request;
}

/** Express 4: `hostname` depends on the trusted proxies, but has no port. The port is in the header that it comes from. */
function hostOfExpress4({ hostname, headers }: PlatformRequest) {
  const forwarded = [headers['x-forwarded-host']].flat()[0]?.split(',', 1)[0];
  return [headers.host, forwarded?.trim()].find(
    (host) => host?.replace(/:\d+$/, '') === hostname,
  );
}

/**
 * The URL of the token endpoint, from that of a grant request: the same without `/grant`.
 *
 * @throws {BadRequestException} where the request has no host
 */
export function tokenUrl(request: PlatformRequest): string {
  const { protocol, url: requested, originalUrl = requested } = request;
  const path = originalUrl
    .split('?', 1)[0]!
    // A proxy may send the whole URL.
    .replace(/^https?:\/\/[^/]*/i, '');
  const url = `${protocol}://${hostOf(request) ?? ''}${withoutGrant(path)}`;
  if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw new BadRequestException(
      'The request does not contain the host of the app: set grant.url.',
    );
  }
  return url;
}

/** The path of the token route, from that of the grant route. */
function withoutGrant(path: string): string {
  const trimmed = trimTrailingSlashes(path);
  return trimmed.slice(-GRANT.length).toLowerCase() === GRANT
    ? trimTrailingSlashes(trimmed.slice(0, -GRANT.length))
    : path;
}

/**
 * The `X-Forwarded-*` headers of a request that its URL does not show: the app
 * does not trust the proxy that sent them, or the proxy rewrites the path.
 *
 * @param url the URL that was derived from the request
 */
export function ignoredForwarding(
  { headers }: PlatformRequest,
  url: string,
): string[] {
  const { protocol, host, pathname } = new URL(url);
  const isShown = {
    'x-forwarded-proto': (value: string) => `${value}:` === protocol,
    'x-forwarded-host': (value: string) => isHost(value, host, protocol),
    'x-forwarded-prefix': (value: string) =>
      pathname.toLowerCase().startsWith(value),
  };
  return Object.entries(isShown).flatMap(([name, shows]) => {
    const value = [headers[name]].flat().join(', ');
    if (value === '') return [];
    // Each proxy adds a value. Express takes the first, Fastify the last.
    const values = value.toLowerCase().split(',');
    return values.some((each) => shows(each.trim()))
      ? []
      : [`${name}: ${sanitizeForLog(value)}`];
  });
}

/** Whether a header names a host, which need not have the default port. */
function isHost(value: string, host: string, protocol: string): boolean {
  const url = `${protocol}//${value}`;
  return URL.canParse(url) && new URL(url).host === host;
}
