import type { IncomingHttpHeaders } from 'node:http';

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
  const { headers, hostname, host } = request;
  // Only Express 4 has `param()`.
  if (!('param' in request)) return host ?? hostname ?? headers.host;
  // Its `hostname` has no port. The port is in the header that it comes from.
  const forwarded = [headers['x-forwarded-host']].flat()[0]?.split(',', 1)[0];
  return [headers.host, forwarded?.trim()].find(
    (each) => each?.replace(/:\d+$/, '') === hostname,
  );
}

/**
 * Whether a request comes from a page of the app's own origin, or from no
 * browser: such clients send neither `Sec-Fetch-Site` nor `Origin`, and no
 * cookies by themselves. Sibling subdomains (`same-site`) are other origins,
 * since SameSite cookies are sent from them.
 *
 * @param url a URL of the app, for apps that cannot tell their host from the request
 */
export function isSameOrigin(
  request: PlatformRequest,
  url: string | undefined,
): boolean {
  const { 'sec-fetch-site': site, origin } = request.headers;
  if (origin === 'null') return false;
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  if (!/^https?:$/.test(protocol) || host === '') return false;
  // Hosts, not schemes: behind a proxy that ends TLS the app may not know its own.
  return [`${protocol}//${hostOf(request)}`, url ?? ''].some(
    (own) => URL.canParse(own) && new URL(own).host === host,
  );
}
