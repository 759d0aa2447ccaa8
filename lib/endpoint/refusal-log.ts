import type { IncomingMessage, ServerResponse } from 'node:http';
import { hasGrantType } from '../grant/grant-jwt.js';
import { extractBearerToken } from '../grant/grant.guard.js';
import { formatOrigin, type WarnOnce } from '../warn-once.js';
import {
  isAllowed,
  isPreflight,
  type CorsPolicy,
  type OriginOption,
} from './cors.js';

/** What the responses of a route carry, and where their refusals are logged. */
export interface RoutePolicy {
  /** The path of the route in log lines. */
  readonly path: string;
  /** `null` leaves CORS to the app. */
  readonly cors: CorsPolicy | null;
  /** Whether the route accepts grants. */
  readonly takesGrants: boolean;
  readonly warnOnce: WarnOnce;
}

/** Logs that a page of this origin may not call a route: the browser, or the message for its user, hides why. */
export function warnOfOrigin(
  warnOnce: WarnOnce,
  origin: string | undefined,
  path = 'this route',
  option: OriginOption,
  refused: 'request' | 'preflight',
): void {
  const page =
    origin === undefined ? 'without an Origin' : `of ${formatOrigin(origin)}`;
  warnOnce(
    `${page} ${path}`,
    [
      `A page ${page} may not call ${path} (${refused === 'request' ? '403' : 'its preflight gets no CORS headers'}).`,
      `If it is a page of this app on another origin, add its origin to ${option}.`,
      ...(refused === 'request'
        ? [
            'If it has the same origin as this route, a proxy hides the host of the app: set trust proxy, or grant.url.',
          ]
        : []),
      '(Logged once for each origin and route.)',
    ].join(' '),
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
  { path, cors, takesGrants, warnOnce }: RoutePolicy,
): void {
  const { origin, cookie, authorization } = request.headers;
  if (isPreflight(request)) {
    if (cors && !isAllowed(request, cors)) {
      warnOfOrigin(warnOnce, origin, path, cors.option, 'preflight');
    }
    return;
  }
  const { statusCode } = response;
  if (
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
    cookie === undefined &&
    authorization === undefined
  ) {
    warnOnce(
      `credentials ${origin}`,
      `A page of ${formatOrigin(origin!)} called ${path} without a cookie (401). ` +
        "If the session is in a cookie, call it with fetch(url, { credentials: 'include' }). " +
        'Between two sites the cookie also needs SameSite=None; Secure. (Logged once for each origin.)',
    );
  }
}
