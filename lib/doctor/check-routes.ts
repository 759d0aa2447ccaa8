import { DEFAULT_CONNECTIONS_PATH } from '../options/controller.options.js';
import { isRecord } from '../pica/json-checks.js';
import {
  CONNECTIONS_ROUTE,
  checkPageRoute,
  GRANT_ROUTE,
  type PageRoute,
} from './check-page-route.js';
import { checkTokenRoute, type EndpointSettings } from './check-token-route.js';
import {
  callEndpoint,
  NoResponseError,
  type EndpointResponse,
} from './endpoint-client.js';
import { unchecked, wrong, type Finding, type Section } from './report.js';

/** What the path of the grant route adds to that of the token route. */
const GRANT = '/grant';

/** What was found of the routes of an app. */
export interface RouteReport {
  readonly sections: Section[];
  /** What the routes gave that must not be shown. */
  readonly secrets: readonly string[];
}

/**
 * Checks the route of a URL, and those that are beside it: the token route, the
 * grant route and the routes for connections. If the app has a grant route that
 * accepts the headers, the token route is checked with the grant that it gives.
 */
export async function checkRoutes(
  settings: EndpointSettings,
): Promise<RouteReport> {
  try {
    return await new RoutesCheck(settings).run();
  } catch (error) {
    if (!(error instanceof NoResponseError)) throw error;
    const finding = wrong(
      'Endpoint',
      error.message,
      'Is the app running, and can this machine reach it?',
    );
    const title = titleOf(new URL(settings.url));
    return { sections: [{ title, findings: [finding] }], secrets: [] };
  }
}

class RoutesCheck {
  private readonly url: URL;
  private readonly sections: Section[] = [];

  constructor(private readonly settings: EndpointSettings) {
    this.url = new URL(settings.url);
  }

  async run(): Promise<RouteReport> {
    // An app that answers unknown paths too does not tell which routes it has.
    const control = await this.probe('GET', this.sibling('authkit-doctor'));
    const tellsRoutes = isMissing(control);
    const isConnections = tellsRoutes
      ? isRouteForConnections(await this.probe('GET', this.url))
      : this.path.endsWith('connections');
    if (isConnections) {
      await this.checkPage(CONNECTIONS_ROUTE, this.url);
      return { sections: this.sections, secrets: [] };
    }

    const isGrant = this.path.endsWith(GRANT);
    const token = isGrant
      ? this.withPath(this.path.slice(0, -GRANT.length))
      : this.url;
    const grant = isGrant ? this.url : this.withPath(`${this.path}${GRANT}`);
    const hasGrants =
      isGrant || (tellsRoutes && !isMissing(await this.probe('POST', grant)));
    const header = hasGrants
      ? await this.checkGrants(grant, token, isGrant)
      : undefined;

    const { headers } = this.settings;
    const settings = { ...this.settings, url: token.href };
    const findings = await checkTokenRoute({
      ...settings,
      headers: header ?? (isGrant ? {} : headers),
    });
    this.add(token, findings);

    const connections = this.sibling(DEFAULT_CONNECTIONS_PATH, token);
    const hasConnections =
      tellsRoutes && !isMissing(await this.probe('GET', connections));
    if (hasConnections) await this.checkPage(CONNECTIONS_ROUTE, connections);
    return {
      sections: this.sections,
      secrets: Object.values(header ?? {}),
    };
  }

  /** @returns the headers of a grant, if the route gives one */
  private async checkGrants(
    grant: URL,
    token: URL,
    isGiven: boolean,
  ): Promise<Record<string, string> | undefined> {
    const { findings, body } = await checkPageRoute(
      GRANT_ROUTE,
      { ...this.settings, url: grant.href },
      isGiven,
    );
    const { url, headers } = isRecord(body) ? body : {};
    const { Authorization: value } = isRecord(headers) ? headers : {};
    if (typeof value !== 'string') {
      const command = `curl -X POST -H 'cookie: …' ${titleOf(grant)}`;
      findings.push(
        unchecked(
          'Grant',
          `none: pass the --header of a signed-in user. By hand: ${command} with that header; headers.Authorization of the response is the header of a grant`,
        ),
      );
    } else if (url !== token.href.split('?', 1)[0]) {
      findings.push(
        wrong(
          'Grant',
          'its url is not that of this token route, and the widget calls its url',
          'Behind a proxy set trust proxy (Express), trustProxy (Fastify), or grant.url to the URL of the token route.',
        ),
      );
    }
    this.add(grant, findings);
    return typeof value === 'string' ? { authorization: value } : undefined;
  }

  private async checkPage(route: PageRoute, url: URL): Promise<void> {
    const settings = { ...this.settings, url: url.href };
    const isGiven = url === this.url;
    const { findings } = await checkPageRoute(route, settings, isGiven);
    this.add(url, findings);
  }

  private add(url: URL, findings: readonly Finding[]): void {
    this.sections.push({ title: titleOf(url), findings });
  }

  /** A request without a login. */
  private probe(method: string, url: URL): Promise<EndpointResponse> {
    const init = { method, headers: {} };
    return callEndpoint(url.href, init, this.settings.timeout);
  }

  /** The path without a trailing slash. */
  private get path(): string {
    return this.url.pathname.replace(/\/+$/, '');
  }

  /** The URL of another route in the same folder. */
  private sibling(name: string, { pathname } = this.url): URL {
    return this.withPath(pathname.replace(/[^/]*\/?$/, name));
  }

  private withPath(path: string): URL {
    const url = new URL(this.url);
    url.pathname = path;
    return url;
  }
}

/** Without the query, which may hold a secret. */
function titleOf({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

function isMissing({ status }: EndpointResponse): boolean {
  return status === 404 || status === 405;
}

/** The other routes answer no GET. */
function isRouteForConnections({ status, body }: EndpointResponse): boolean {
  return (
    status === 401 ||
    status === 403 ||
    (status === 200 && isRecord(body) && Array.isArray(body.rows))
  );
}
