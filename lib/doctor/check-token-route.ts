import { isRecord } from '../pica/json-checks.js';
import { VENDORS, type AuthKitVendor } from '../vendors/index.js';
import { callEndpoint, type EndpointResponse } from './endpoint-client.js';
import { ok, unchecked, wrong, type Finding } from './report.js';

/** A route to check. */
export interface EndpointSettings {
  readonly vendor: AuthKitVendor;
  readonly url: string;
  /** The headers of a signed-in user, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The timeout of each call in ms. */
  readonly timeout: number;
}

/** An origin that no route may allow. */
export const FOREIGN_ORIGIN = 'https://authkit-doctor.invalid';

/** Checks a token route by the calls that the widget makes. */
export function checkTokenRoute(
  settings: EndpointSettings,
): Promise<Finding[]> {
  return new EndpointCheck(settings).run();
}

class EndpointCheck {
  private readonly origin: string;

  constructor(private readonly settings: EndpointSettings) {
    this.origin = VENDORS[settings.vendor].widgetOrigin;
  }

  async run(): Promise<Finding[]> {
    const preflight = await this.preflight(this.origin);
    const foreign = await this.preflight(FOREIGN_ORIGIN);
    const anonymous = await this.post({});
    return [
      this.checkPreflight(preflight),
      this.checkOrigins([preflight, foreign, anonymous]),
      ...this.checkAnonymous(anonymous),
      ...(await this.checkSignedIn()),
    ];
  }

  private checkPreflight({ status, headers }: EndpointResponse): Finding {
    const name = 'Preflight';
    const by = `from ${this.origin}: status ${status}`;
    if (status === 401 || status === 403) {
      return wrong(
        name,
        by,
        'A guard refuses OPTIONS. A preflight carries no login: let OPTIONS pass before the guard, e.g. by CORS middleware.',
      );
    }
    if (status === 404 || status === 405) {
      return wrong(
        name,
        by,
        'The route answers no OPTIONS. Check the path, with the global prefix and the version, and CORS: the browser sends OPTIONS first.',
      );
    }
    if (status < 200 || status > 299) {
      return wrong(name, by, 'A browser goes on after a status of 2xx alone.');
    }
    if (!this.allows(headers)) {
      return wrong(
        name,
        `${by}, but ${describeOrigin(headers)}`,
        `Send Access-Control-Allow-Origin: ${this.origin}.`,
      );
    }
    const missing = this.missingHeaders(headers);
    if (missing.length > 0) {
      return wrong(
        name,
        `${by}, but Access-Control-Allow-Headers lacks ${missing.join(', ')}`,
        `Add ${missing.join(', ')} to the allowed headers.`,
      );
    }
    return ok(name, by);
  }

  private checkOrigins(responses: readonly EndpointResponse[]): Finding {
    const name = 'Other origins';
    const allowed = responses.map(({ headers }) =>
      headers.get('access-control-allow-origin'),
    );
    const fix = `Every page may read tokens. Allow ${this.origin} alone, and the origins of your own pages.`;
    if (allowed.includes('*')) {
      return wrong(name, 'Access-Control-Allow-Origin is *', fix);
    }
    return allowed.includes(FOREIGN_ORIGIN)
      ? wrong(name, 'Access-Control-Allow-Origin repeats any origin', fix)
      : ok(name, 'not allowed');
  }

  /** Without a login: 401 with CORS headers. */
  private checkAnonymous(response: EndpointResponse): Finding[] {
    const name = 'Without login';
    const { status, body } = response;
    const text = `status ${status}`;
    if (status === 401 || status === 403) {
      return [
        typeof messageOf(body) === 'string'
          ? ok(name, text)
          : wrong(
              name,
              `${text}, without a message`,
              'Send { "message": "…" } as JSON: the widget shows it.',
            ),
        this.checkErrorCors(response),
      ];
    }
    if (status >= 200 && status <= 299) {
      return [
        looksLikeToken(body)
          ? wrong(
              name,
              `${text}: a token for everybody`,
              'Put the guard that authenticates the user before the route.',
            )
          : wrong(
              name,
              `${text}: an error with a status of success`,
              'Throw an error with status 401. The widget shows a 200 without rows as an empty list.',
            ),
      ];
    }
    return [wrong(name, text, adviceFor(status, 'POST'))];
  }

  private checkErrorCors({ headers }: EndpointResponse): Finding {
    const name = 'CORS of errors';
    return this.allows(headers)
      ? ok(name, 'the widget can read them')
      : wrong(
          name,
          describeOrigin(headers),
          `Send Access-Control-Allow-Origin: ${this.origin} with errors too, by middleware that runs before the guards. Without it the widget shows no reason.`,
        );
  }

  /** With a login: 200, unwrapped, not stored, with CORS headers. */
  private async checkSignedIn(): Promise<Finding[]> {
    const name = 'With login';
    const { headers } = this.settings;
    if (Object.keys(headers).length === 0) {
      return [
        unchecked(
          name,
          "not checked: pass --header 'authorization: …' of a signed-in user",
        ),
      ];
    }
    const response = await this.post(headers);
    const { status, body } = response;
    const text = `status ${status}`;
    if (status !== 200 && status !== 201) {
      const advice = adviceFor(status, 'POST');
      const isRefused = status === 401 || status === 403;
      return [
        wrong(
          name,
          text,
          isRefused
            ? `${advice} With grants it has to be the header of a grant.`
            : advice,
        ),
      ];
    }
    return [
      status === 200
        ? ok(name, text)
        : wrong(name, text, 'Add @HttpCode(200): the widget expects 200.'),
      this.checkBody(body),
      this.checkTokenHeaders(response),
    ];
  }

  private checkBody(body: unknown): Finding {
    const name = 'Token';
    if (looksLikeToken(body)) {
      const { length } = body.rows;
      return ok(name, `unwrapped, ${length} integrations`);
    }
    const wrapper =
      isRecord(body) &&
      Object.keys(body).find((field) => looksLikeToken(body[field]));
    if (wrapper) {
      return wrong(
        name,
        'wrapped: the rows are in a field of the body',
        'Send the token itself. An interceptor of the app wraps it: exclude this route.',
      );
    }
    return wrong(
      name,
      'the body has no list of rows',
      isRecord(body) && (body.error ?? body.message)
        ? 'It is an error with a status of success. Throw it: the widget shows it as an empty list.'
        : 'Send the token as JSON, as create() returns it.',
    );
  }

  private checkTokenHeaders({ headers }: EndpointResponse): Finding {
    const name = 'Headers';
    if (!this.allows(headers)) {
      return wrong(
        name,
        describeOrigin(headers),
        `Send Access-Control-Allow-Origin: ${this.origin}.`,
      );
    }
    return isNotStored(headers)
      ? ok(name, 'CORS and no-store')
      : wrong(
          name,
          'Cache-Control is not no-store',
          'Send Cache-Control: no-store. A token is for one user.',
        );
  }

  private preflight(origin: string): Promise<EndpointResponse> {
    return callEndpoint(
      this.settings.url,
      {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': this.requestHeaders().join(','),
        },
      },
      this.settings.timeout,
    );
  }

  private post(headers: Readonly<Record<string, string>>) {
    return callEndpoint(
      this.pageUrl(),
      {
        method: 'POST',
        headers: {
          ...headers,
          origin: this.origin,
          'content-type': 'application/json',
        },
        body: '{}',
      },
      this.settings.timeout,
    );
  }

  /** One's widget requests pages. */
  private pageUrl(): string {
    const url = new URL(this.settings.url);
    if (VENDORS[this.settings.vendor].paging === 'forward') {
      url.searchParams.set('page', '1');
      url.searchParams.set('limit', '100');
    }
    return url.href;
  }

  /** The names of the headers that a browser asks for: sorted, in lower case. */
  private requestHeaders(): string[] {
    const names = new Set([
      'content-type',
      ...Object.keys(this.settings.headers),
    ]);
    return [...names].sort();
  }

  private missingHeaders(headers: Headers): string[] {
    const allowed = (headers.get('access-control-allow-headers') ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim());
    return this.requestHeaders().filter(
      (name) =>
        !allowed.includes(name) &&
        // As browsers read it: * stands for all but this one.
        !(allowed.includes('*') && name !== 'authorization'),
    );
  }

  /** Whether a page of the widget can read the response. */
  private allows(headers: Headers): boolean {
    const allowed = headers.get('access-control-allow-origin');
    return allowed === this.origin || allowed === '*';
  }
}

/** What to do about a status. */
export function adviceFor(status: number, method: string): string {
  if (status >= 300 && status < 400) {
    return 'A redirect, to a login page or to another address. Pass the final address, and answer 401 instead of a redirect.';
  }
  if (status === 401 || status === 403) {
    return 'The login is not accepted. It may have expired.';
  }
  if (status === 404 || status === 405) {
    return `There is no such route. Check the path, with the global prefix and the version, and that it takes ${method}.`;
  }
  return 'Read the log of the app, where AuthKit says what has failed.';
}

export function isNotStored(headers: Headers): boolean {
  return /(?:^|[\s,])no-store(?:$|[\s,])/i.test(
    headers.get('cache-control') ?? '',
  );
}

/** What is wrong with the header. It does not quote the header, in which a server may repeat anything. */
function describeOrigin(headers: Headers): string {
  return headers.has('access-control-allow-origin')
    ? 'Access-Control-Allow-Origin is of another origin'
    : 'there is no Access-Control-Allow-Origin';
}

function looksLikeToken(body: unknown): body is { rows: unknown[] } {
  return isRecord(body) && Array.isArray(body.rows);
}

/** The message that the widget shows. */
function messageOf(body: unknown): unknown {
  const message = isRecord(body) ? body.message : undefined;
  return isRecord(message) ? message.message : message;
}
