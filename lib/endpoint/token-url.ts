import type { IncomingHttpHeaders } from 'node:http';
import { BadRequestException } from '@nestjs/common';

/** A request, as far as Express and Fastify agree: protocol and host follow the app's trust in proxies. */
export interface PlatformRequest {
  readonly headers: IncomingHttpHeaders;
  readonly protocol: string;
  /** With the port; on Express 4 without, and deprecated. */
  readonly host?: string;
  /** Without the port; on Fastify 4 with it. */
  readonly hostname?: string;
  /** The path that was asked for, with the query. */
  readonly originalUrl: string;
}

/** The host, with its port, at which the app was asked. */
export function hostOf(request: PlatformRequest): string | undefined {
  if (isExpress4(request)) return hostOfExpress4(request);
  return request.host ?? request.hostname ?? request.headers.host;
}

/** Express 5 has no `param()` any more. */
function isExpress4(request: object): boolean {
  return 'param' in request;
}

/** Its `hostname` follows the trust in proxies, but has lost the port: that is in the header that it was taken from. */
function hostOfExpress4({ hostname, headers }: PlatformRequest) {
  const forwarded = [headers['x-forwarded-host']].flat()[0]?.split(',', 1)[0];
  return [headers.host, forwarded?.trim()].find(
    (host) => host?.replace(/:\d+$/, '') === hostname,
  );
}

/**
 * Address of the token endpoint, from a request for a grant: the same without `/grant`.
 *
 * @throws {BadRequestException} where the request does not tell a host
 */
export function tokenUrl(request: PlatformRequest): string {
  const { protocol, originalUrl } = request;
  const path = originalUrl
    .split('?', 1)[0]!
    // A proxy may ask by the whole address.
    .replace(/^https?:\/\/[^/]*/i, '')
    .replace(/\/+grant\/*$/i, '');
  const url = `${protocol}://${hostOf(request) ?? ''}${path}`;
  if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw new BadRequestException(
      'The address of the app cannot be told from the request: set grant.url.',
    );
  }
  return url;
}
