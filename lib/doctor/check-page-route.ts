import { hasGrantType } from '../grant/grant-jwt.js';
import { isRecord } from '../pica/json-checks.js';
import { VENDORS } from '../vendors/index.js';
import {
  adviceFor,
  FOREIGN_ORIGIN,
  isNotStored,
  type EndpointSettings,
} from './check-token-route.js';
import { callEndpoint, type EndpointResponse } from './endpoint-client.js';
import { ok, unchecked, wrong, type Finding } from './report.js';

/** A route for the app's own pages. */
export interface PageRoute {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** What everybody gets if no guard is before the route. */
  readonly result: string;
  /** Says what a response is; `undefined` if it is not what the route gives. */
  describe(body: unknown): string | undefined;
}

export const GRANT_ROUTE: PageRoute = {
  name: 'Grant route',
  method: 'POST',
  result: 'a grant',
  describe: (body) =>
    isRecord(body) && isRecord(body.headers) && typeof body.url === 'string'
      ? 'a grant'
      : undefined,
};

export const CONNECTIONS_ROUTE: PageRoute = {
  name: 'Connections',
  method: 'GET',
  result: 'connections',
  describe: (body) =>
    isRecord(body) && Array.isArray(body.rows)
      ? `${body.rows.length} of the user's connections`
      : undefined,
};

/** What was found of a route, and the body that a signed-in user gets. */
export interface PageRouteResult {
  readonly findings: Finding[];
  readonly body?: unknown;
}

/**
 * Checks a route that pages of the app call, and nobody else: not the widget,
 * and no page of another origin, though the browser sends the cookies along.
 *
 * @param isGiven whether the URL is that of `--endpoint`
 */
export async function checkPageRoute(
  route: PageRoute,
  settings: EndpointSettings,
  isGiven: boolean,
): Promise<PageRouteResult> {
  const { url, timeout, headers, vendor } = settings;
  const { name, method, result } = route;
  const call = (extra: Record<string, string>) =>
    callEndpoint(url, { method, headers: extra }, timeout);
  const hasLogin = Object.keys(headers).length > 0;
  const { widgetOrigin, displayName } = VENDORS[vendor];

  const findings: Finding[] = [];
  if (isGiven) {
    findings.push(
      ok(
        name,
        `recognized: pages of the app call it. The widget of ${displayName} calls the token route`,
      ),
    );
  }

  const foreign = [];
  for (const origin of [widgetOrigin, FOREIGN_ORIGIN]) {
    foreign.push(
      await call({ ...headers, origin, 'sec-fetch-site': 'cross-site' }),
    );
  }
  findings.push(checkForeign(foreign, hasLogin));

  const anonymous = await call({});
  findings.push(checkAnonymous(anonymous, result, method));

  const withLogin = 'With login';
  if (!hasLogin) {
    const text = "not checked: pass --header 'cookie: …' of a signed-in user";
    return { findings: [...findings, unchecked(withLogin, text)] };
  }
  const response = await call({ ...headers });
  const { status, body } = response;
  const described = status === 200 ? route.describe(body) : undefined;
  if (described === undefined) {
    const finding = isGrantHeader(headers, status)
      ? unchecked(
          withLogin,
          `status ${status}: the header of a grant opens the token route alone`,
        )
      : wrong(
          withLogin,
          status === 200 ? `status 200, without ${result}` : `status ${status}`,
          status === 200
            ? 'An interceptor of the app may wrap the response: exclude this route.'
            : adviceFor(status, method),
        );
    return { findings: [...findings, finding] };
  }
  findings.push(
    ok(withLogin, `status 200, ${described}`),
    isNotStored(response.headers)
      ? ok('Headers', 'no-store')
      : wrong(
          'Headers',
          'Cache-Control is not no-store',
          'Send Cache-Control: no-store. The response is for one user.',
        ),
  );
  return { findings, body };
}

/** Pages of other origins: refused, and without CORS headers. */
function checkForeign(
  responses: readonly EndpointResponse[],
  hasLogin: boolean,
): Finding {
  const name = 'Other origins';
  const fix =
    'Do not open this route by CORS: it takes cookies. Pages of the same origin may call it, and those of the option pageOrigins.';
  const allows = ({ headers }: EndpointResponse) =>
    headers.has('access-control-allow-origin');
  if (responses.some(allows)) {
    return wrong(name, 'CORS headers allow a page of another origin', fix);
  }
  return hasLogin && responses.some(({ status }) => status < 300)
    ? wrong(name, 'a page of another origin is served with the login', fix)
    : ok(name, 'not allowed');
}

function checkAnonymous(
  { status }: EndpointResponse,
  result: string,
  method: string,
): Finding {
  const name = 'Without login';
  const text = `status ${status}`;
  if (status === 401 || status === 403) return ok(name, text);
  return status >= 200 && status < 300
    ? wrong(
        name,
        `${text}: ${result} for everybody`,
        'Put the guard that authenticates the user before the route.',
      )
    : wrong(name, text, adviceFor(status, method));
}

/** Whether a refused login is the header of a grant. */
function isGrantHeader(
  { authorization = '' }: Readonly<Record<string, string>>,
  status: number,
): boolean {
  return (
    (status === 401 || status === 403) &&
    hasGrantType(authorization.replace(/^Bearer /i, ''))
  );
}
