import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';
import vary from 'vary';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { VENDORS } from '../vendors/index.js';

/** The option that lists the origins of pages that may call a route. */
export type OriginOption = 'allowedOrigins' | 'pageOrigins';

/** Which pages may call a route from a browser. */
export interface CorsPolicy {
  /** The origins, spelled out. No wildcard. */
  readonly origins: readonly string[];
  /** The option that adds an origin. */
  readonly option: OriginOption;
  readonly methods: readonly string[];
  /** Whether the pages may send cookies. */
  readonly credentials: boolean;
}

/** The origins that get CORS headers on the token route: the vendor's widget and the `allowedOrigins`. */
export function tokenOrigins({
  vendor,
  allowedOrigins,
}: ResolvedOptions): string[] {
  return [VENDORS[vendor].widgetOrigin, ...allowedOrigins];
}

/** The number of seconds for which a browser may cache the response to a preflight. */
const MAX_AGE = 600;

/**
 * Replaces all CORS headers of a response, just before it is sent, with those
 * of a policy. A page of another origin gets none.
 */
export function overrideCors(
  request: IncomingMessage,
  response: ServerResponse,
  policy: CorsPolicy,
): void {
  for (const name of response.getHeaderNames()) {
    if (name.startsWith('access-control-')) response.removeHeader(name);
  }
  if (isAllowed(request, policy)) {
    cors({
      origin: [...policy.origins],
      methods: [...policy.methods],
      credentials: policy.credentials,
      exposedHeaders: ['Retry-After'],
      maxAge: MAX_AGE,
      preflightContinue: true,
    })(request, response, () => {});
  } else {
    vary(response, 'Origin');
  }
  if (isPreflight(request)) {
    // The app's own CORS may have refused it. Whether the browser goes on depends on the headers alone.
    response.statusCode = 204;
    response.removeHeader('Content-Type');
    response.removeHeader('Content-Length');
  }
}

/** Whether a request comes from a page that a policy allows. */
export function isAllowed(
  { headers }: IncomingMessage,
  { origins }: CorsPolicy,
): boolean {
  return headers.origin !== undefined && origins.includes(headers.origin);
}

export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    headers['access-control-request-method'] !== undefined
  );
}
