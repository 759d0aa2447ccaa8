import type { IncomingHttpHeaders } from 'node:http';
import { BadRequestException } from '@nestjs/common';

/** A request, as far as Express and Fastify agree: protocol and host follow the app's trust in proxies. */
export interface PlatformRequest {
  readonly headers: IncomingHttpHeaders;
  readonly protocol: string;
  /** With the port. */
  readonly host?: string;
  /** The path that was asked for, with the query. */
  readonly originalUrl: string;
}

/** The host, with its port, at which the app was asked. */
export function hostOf({ host, headers }: PlatformRequest): string | undefined {
  return host ?? headers.host;
}

/**
 * Address of the token endpoint, from a request for a grant: the same without `/grant`.
 *
 * @throws {BadRequestException} where the request does not tell a host
 */
export function tokenUrl(request: PlatformRequest): string {
  const { protocol, originalUrl } = request;
  const path = originalUrl.split('?', 1)[0]!.replace(/\/+grant\/*$/i, '');
  const url = `${protocol}://${hostOf(request) ?? ''}${path}`;
  if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw new BadRequestException(
      'The address of the app cannot be told from the request: set grant.url.',
    );
  }
  return url;
}
