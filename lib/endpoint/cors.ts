import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';
import vary from 'vary';
import { hasGrantType } from '../grant/grant-jwt.js';
import { extractBearerToken } from '../grant/grant.guard.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { VENDORS } from '../vendors/index.js';
import { formatOrigin, type WarnOnce } from '../warn-once.js';

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

/** What the responses of a route carry, and where their refusals are logged. */
export interface RoutePolicy {
  /** The paths of the route in the app. Empty if Nest does not tell. */
  readonly paths: readonly string[];
  /** `null` leaves CORS to the app. */
  readonly cors: CorsPolicy | null;
  /** Whether the route accepts grants. */
  readonly takesGrants: boolean;
  readonly warnOnce: WarnOnce;
}

/** The origins that get CORS headers on the token route: the vendor's widget and the `allowedOrigins`. */
export function tokenOrigins({
  vendor,
  allowedOrigins,
}: ResolvedOptions): string[] {
  return [VENDORS[vendor].widgetOrigin, ...allowedOrigins];
}

/**
 * Replaces all CORS headers of a response, just before it is sent, with those
 * of a policy. A page of another origin gets none. Browsers may cache the
 * response to a preflight for 600 s.
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
      maxAge: 600,
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

function isAllowed(
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

/** Logs that a page of this origin may not call a route: the browser, or the message for its user, hides why. */
export function warnOfOrigin(
  warnOnce: WarnOnce,
  origin: string | undefined,
  path: string,
  option: OriginOption,
  response: string,
): void {
  const page =
    origin === undefined ? 'without an Origin' : `of ${formatOrigin(origin)}`;
  warnOnce(
    `${page} ${path}`,
    `A page ${page} may not call ${path} (${response}). ` +
      `If it is a page of this app on another origin, add its origin to ${option}. ` +
      'If it has the same origin as this route, a proxy hides the host of the app: set trust proxy, or grant.url. (Logged once for each origin and route.)',
  );
}

/** The property of a response that this module sends for an error. */
const OWN_ERROR = Symbol.for('nestjs-pica-authkit:own-error');

type MarkedResponse = ServerResponse & { [OWN_ERROR]?: boolean };

/** Marks an error as one that the route itself sends. Others are sent before it runs. */
export function markOwnError(
  response: ServerResponse | { raw: ServerResponse },
): void {
  const raw: MarkedResponse = 'raw' in response ? response.raw : response;
  raw[OWN_ERROR] = true;
}

/** Logs what a refused browser never tells. Called just before the response is sent. */
export function logRefusal(
  request: IncomingMessage,
  response: MarkedResponse,
  { paths: [path = 'this route'], cors, takesGrants, warnOnce }: RoutePolicy,
): void {
  const { origin, cookie, authorization } = request.headers;
  const { statusCode } = response;
  if (isPreflight(request)) {
    if (!cors || isAllowed(request, cors)) return;
    const what = 'its preflight gets no CORS headers';
    warnOfOrigin(warnOnce, origin, path, cors.option, what);
  } else if (
    takesGrants &&
    !response[OWN_ERROR] &&
    hasGrantType(extractBearerToken(request) ?? '')
  ) {
    warnOnce(
      'guard',
      `${path} refused a grant (${statusCode}) before its own guard ran: a guard of the whole app (APP_GUARD) does not know grants. ` +
        'Exempt the route from it, e.g. controller: { tokenRouteDecorators: [Public()] } with the decorator that your guard reads. (Logged once.)',
    );
  } else if (
    statusCode === 401 &&
    cors?.credentials &&
    isAllowed(request, cors) &&
    (cookie ?? authorization) === undefined
  ) {
    warnOnce(
      `credentials ${origin}`,
      `A page of ${formatOrigin(origin!)} called ${path} without a cookie (401). ` +
        "If the session is in a cookie, call it with fetch(url, { credentials: 'include' }). " +
        'Between two sites the cookie also needs SameSite=None; Secure. (Logged once for each origin.)',
    );
  }
}
