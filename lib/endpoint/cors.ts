import type { IncomingMessage, ServerResponse } from 'node:http';
import cors, { type CorsOptions } from 'cors';
import onHeaders from 'on-headers';
import vary from 'vary';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { VENDORS } from '../vendors/index.js';

/** Which pages may call a route from a browser. */
export interface CorsPolicy {
  /** The origins, spelled out. No wildcard. */
  readonly origins: readonly string[];
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

/** Middleware that Express and Fastify both run. */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: () => void,
) => void;

/** The number of seconds for which a browser may cache the response to a preflight. */
const MAX_AGE = 600;

/** The property of a response that holds the policy of its route. */
const POLICY = Symbol.for('nestjs-pica-authkit:cors-policy');

/** A response with the policy of its route; `null` where the app's own CORS settings apply. */
type RouteResponse = ServerResponse & { [POLICY]?: CorsPolicy | null };

/**
 * Sets the headers that every response of a route carries, errors included:
 * `Cache-Control: no-store`, and the CORS headers of its policy alone. They are
 * set just before the response is sent, because an app-wide `enableCors()` runs
 * before every module's middleware, and on Fastify its headers win over ours.
 *
 * @param policy `null` leaves the CORS headers to the app. Called twice, the last policy applies.
 */
export function setRouteHeaders(
  request: IncomingMessage,
  response: RouteResponse,
  policy: CorsPolicy | null,
): void {
  const isFirst = response[POLICY] === undefined;
  response[POLICY] = policy;
  if (!isFirst) return;
  onHeaders(response, () => {
    // The response is for one identity.
    response.setHeader('Cache-Control', 'no-store');
    const latest = response[POLICY];
    if (latest) overrideCors(request, response, latest);
  });
}

/** Whether {@link setRouteHeaders} was called for a response. */
export function hasRouteHeaders(response: RouteResponse): boolean {
  return response[POLICY] !== undefined;
}

/** Replaces all CORS headers of a response with those of a policy. A page of another origin gets none. */
function overrideCors(
  request: IncomingMessage,
  response: ServerResponse,
  policy: CorsPolicy,
): void {
  for (const name of response.getHeaderNames()) {
    if (name.startsWith('access-control-')) response.removeHeader(name);
  }
  if (isAllowed(request, policy)) {
    const setHeaders: Middleware = cors({
      ...corsOptions(policy),
      preflightContinue: true,
    });
    setHeaders(request, response, () => {});
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

/** Answers the preflights of a route. {@link setRouteHeaders} sets their headers. */
export const answerPreflight: Middleware = (request, response, next) => {
  if (!isPreflight(request)) return next();
  response.statusCode = 204;
  response.setHeader('Content-Length', '0');
  response.end();
};

const corsOptions = ({
  origins,
  methods,
  credentials,
}: CorsPolicy): CorsOptions => ({
  origin: [...origins],
  methods: [...methods],
  credentials,
  exposedHeaders: ['Retry-After'],
  maxAge: MAX_AGE,
});

function isAllowed(
  { headers }: IncomingMessage,
  { origins }: CorsPolicy,
): boolean {
  return headers.origin !== undefined && origins.includes(headers.origin);
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    headers['access-control-request-method'] !== undefined
  );
}
