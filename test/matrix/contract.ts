import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { Combination } from './combinations.js';

/** An app that has started. */
export interface ContractApp extends Pick<Combination, 'platform' | 'modules'> {
  /** The root of the app, without a trailing slash. */
  readonly url: string;
  /** The version of Node that it is said to run on. */
  readonly nodeVersion: string;
}

/** A promise that every app keeps. */
interface Clause {
  readonly title: string;
  /** Fails with an `AssertionError` if the app breaks the promise. */
  readonly verify: (app: ContractApp) => Promise<void>;
}

/** A response, with its body parsed where it is JSON. */
interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // The JSON of any route.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

interface Init {
  method?: string;
  headers?: Record<string, string>;
  /** JSON, or a text to send as it is. */
  body?: unknown;
}

const WIDGET = 'https://authkit.picaos.com';
const STRANGER = 'https://evil.example';
const ADA = { authorization: 'Bearer ada' };
const SESSION = { cookie: 'sid=ada', 'sec-fetch-site': 'same-origin' };

/** Variants of a path. Each router serves some of them. */
const PATHS = [
  '/authkit-token',
  '/authkit-token?page=1&limit=100',
  '/authkit-token?;//',
  '/AUTHKIT-token',
  '/authkit-token/',
  '/authkit-token//',
  '//authkit-token',
  '/x/../authkit-token',
  '/authkit-token;v=1',
  '/;v=1/authkit-token',
  '/authkit%2Dtoken',
  '/%61uthkit-token',
  '/authkit-token%2F',
  '/authkit-token%3Fpage=1',
  '/authkit-token%3Bv=1',
  '/authkit%252Dtoken',
  '/authkit-token%',
  '/authkit-token%ff',
  '/authkit-token%00',
  '/authkit-tokens',
  '/authkit-token/x',
];

/** The variants that every app serves. */
const SERVED = {
  Express: [...PATHS.slice(0, 3), '/AUTHKIT-token', '/authkit-token/'],
  Fastify: [...PATHS.slice(0, 3), '/authkit%2Dtoken', '/%61uthkit-token'],
};

/** Variants of which nothing is promised where the router does not serve them: Nest's middleware may run for them. */
const NOT_PROMISED = ['/AUTHKIT-token', '/authkit-token/', '/authkit-token//'];

/** What every app does, whatever it runs on. */
export const CONTRACT: readonly Clause[] = [
  {
    title: 'the app runs on what it is said to run on',
    async verify({ url, nodeVersion, platform, modules }) {
      const { body } = await send(url, '/about', { method: 'GET' });
      assert.deepEqual(body, {
        node: nodeVersion,
        platform: platform.toLowerCase(),
        modules,
      });
    },
  },
  {
    title: 'the token route returns all integrations as one page, uncached',
    async verify({ url }) {
      const { status, headers, body } = await requestToken(url);
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(body.rows.length, 101);
      assert.deepEqual(
        [body.total, body.page, body.pages, body.isWhiteLabel],
        [101, 1, 1, false],
      );
      assert.equal(headers['cache-control'], 'no-store');
    },
  },
  {
    title: 'a preflight of the widget is allowed without a bearer',
    async verify({ url }) {
      const { status, headers } = await preflight(url, '/authkit-token');
      assert.equal(status, 204);
      assert.equal(headers['access-control-allow-origin'], WIDGET);
      assert.match(headers['access-control-allow-methods'] ?? '', /POST/);
      assert.equal(
        headers['access-control-allow-headers'],
        'authorization,content-type,x-app',
      );
      assert.equal(headers['access-control-allow-credentials'], undefined);
    },
  },
  {
    title: 'the widget can read every error, and the page of a stranger none',
    async verify({ url }) {
      const large = JSON.stringify({ text: 'x'.repeat(2_000_000) });
      const noBearer = { headers: { authorization: '' } };
      // A page of another origin is refused before any guard of the app, and after a broken body or grant.
      const errors: [number, number, string, Init][] = [
        [401, 403, '/authkit-token', noBearer],
        [400, 400, '/authkit-token', { body: '{ not JSON' }],
        [413, 413, '/authkit-token', { body: large }],
        [401, 401, '/widget-token', {}],
        [502, 403, '/refused-token', {}],
      ];
      for (const [status, ofStranger, path, init] of errors) {
        for (const origin of [WIDGET, STRANGER]) {
          const isWidget = origin === WIDGET;
          const received = await requestToken(url, path, init, origin);
          assert.deepEqual(
            { path, ...summaryOf(received) },
            {
              path,
              status: isWidget ? status : ofStranger,
              origin: isWidget ? WIDGET : undefined,
              credentials: undefined,
              cache: 'no-store',
            },
          );
          assert.equal(typeof received.body.message, 'string');
        }
      }
    },
  },
  {
    title: 'a key that Pica refuses is an error with a reason, without the key',
    async verify({ url }) {
      const { status, body } = await requestToken(url, '/refused-token');
      assert.equal(status, 502);
      assert.equal(body.reason, 'secret_rejected');
      assert.doesNotMatch(JSON.stringify(body), /sk_test_/);
    },
  },
  {
    title: 'the other routes keep the CORS of the app',
    async verify({ url }) {
      const headers = { origin: STRANGER };
      const { headers: received } = await send(url, '/about', {
        method: 'GET',
        headers,
      });
      assert.equal(received['access-control-allow-origin'], STRANGER);
      assert.equal(received['access-control-allow-credentials'], 'true');
      assert.notEqual(received['cache-control'], 'no-store');
    },
  },
  {
    title: 'a session gets a grant, and the grant gets a token',
    async verify({ url }) {
      const granted = await send(url, '/widget-token/grant', {
        headers: SESSION,
      });
      assert.equal(granted.status, 200, JSON.stringify(granted.body));
      assert.equal(granted.headers['cache-control'], 'no-store');
      assert.equal(granted.body.url, `${url}/widget-token`);
      assert.ok(Date.parse(granted.body.expiresAt) > Date.now());
      const { Authorization: authorization } = granted.body.headers;
      assert.match(authorization, /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);

      const token = await requestToken(url, '/widget-token', {
        headers: { authorization },
      });
      assert.equal(token.status, 200, JSON.stringify(token.body));
      assert.equal(token.body.rows.length, 101);

      for (const headers of [
        ADA,
        SESSION,
        { authorization: authorization.replace(/\.[^.]+$/, '.AAAA') },
      ]) {
        const refused = await send(url, '/widget-token', { headers });
        assert.equal(refused.status, 401);
      }
      const elsewhere = await send(url, '/authkit-connections', {
        method: 'GET',
        headers: { authorization },
      });
      assert.equal(elsewhere.status, 401);
    },
  },
  {
    title: 'the grant route refuses other sites and other users',
    async verify({ url }) {
      for (const site of ['cross-site', 'same-site']) {
        const headers = { ...SESSION, 'sec-fetch-site': site };
        const refused = await send(url, '/widget-token/grant', { headers });
        assert.equal(refused.status, 403, site);
      }
      const anonymous = await send(url, '/widget-token/grant');
      assert.equal(anonymous.status, 401);
    },
  },
  {
    title: 'the connections routes serve the owner, and nobody else',
    async verify({ url }) {
      const route = '/authkit-connections';
      const as = (user: string, method: string, path = '', body?: unknown) =>
        send(url, `${route}${path}`, {
          method,
          headers: { authorization: `Bearer ${user}` },
          body,
        });
      const anonymous = await send(url, route, { method: 'GET' });
      assert.equal(anonymous.status, 401);
      const crossSite = await send(url, route, {
        method: 'GET',
        headers: { ...SESSION, 'sec-fetch-site': 'cross-site' },
      });
      assert.equal(crossSite.status, 403);

      const list = await as('ada', 'GET');
      assert.equal(list.status, 200, JSON.stringify(list.body));
      assert.equal(list.body.total, 2);
      const filtered = await as('ada', 'GET', '?platform=slack');
      assert.equal(filtered.body.total, 1);
      const [slack] = filtered.body.rows;
      assert.equal(slack.platform, 'slack');
      assert.equal((await as('ada', 'GET', '?limit=0')).status, 400);

      const one = await as('ada', 'GET', `/${slack.id}`);
      assert.deepEqual([one.status, one.body.id], [200, slack.id]);
      const renamed = await as('ada', 'PATCH', `/${slack.id}`, { name: 'Own' });
      assert.deepEqual([renamed.status, renamed.body.name], [200, 'Own']);
      const invalid = await as('ada', 'PATCH', `/${slack.id}`, { tags: [] });
      assert.equal(invalid.status, 400);
      const confirmed = await as('ada', 'POST', '', { key: slack.key });
      assert.deepEqual([confirmed.status, confirmed.body.id], [200, slack.id]);

      for (const [method, body] of [
        ['GET', undefined],
        ['PATCH', { name: 'Mine' }],
        ['DELETE', undefined],
      ] as const) {
        const foreign = await as('grace', method, `/${slack.id}`, body);
        const missing = await as('grace', method, '/missing', body);
        assert.equal(foreign.status, 404);
        assert.deepEqual(foreign.body, missing.body);
      }
      const deleted = await as('ada', 'DELETE', `/${slack.id}`);
      assert.deepEqual([deleted.status, deleted.body], [204, '']);
      assert.equal((await as('ada', 'GET')).body.total, 1);
    },
  },
  {
    title:
      'a variant of the path that the router serves has the CORS of the token route, and any other that of the app',
    async verify({ url, platform }) {
      const served: string[] = [];
      for (const path of PATHS) {
        const anonymous = await requestToken(url, path, {
          headers: { authorization: '' },
        });
        assert.notEqual(anonymous.status, 200, path);
        const isServed = (await requestToken(url, path)).status === 200;
        if (isServed) served.push(path);
        else if (NOT_PROMISED.includes(path)) continue;
        // The same variant of a path that no route has.
        const control = path.replace('token', 'nobody');
        for (const origin of [WIDGET, STRANGER]) {
          for (const request of [
            (each: string) => requestToken(url, each, {}, origin),
            (each: string) =>
              requestToken(url, each, { body: '{ not JSON' }, origin),
            (each: string) => preflight(url, each, origin),
          ]) {
            const { status: _, ...headers } = summaryOf(await request(path));
            const { status: __, ...ofApp } = summaryOf(await request(control));
            const ofRoute = {
              origin: origin === WIDGET ? WIDGET : undefined,
              credentials: undefined,
              cache: 'no-store',
            };
            assert.deepEqual(
              { path, isServed, ...headers },
              { path, isServed, ...(isServed ? ofRoute : ofApp) },
            );
          }
        }
      }
      const missing = SERVED[platform].filter((path) => !served.includes(path));
      assert.deepEqual(missing, []);
    },
  },
];

/** Verifies the contract and returns the broken clauses, each with the reason. */
export async function verifyContract(app: ContractApp): Promise<string[]> {
  const broken: string[] = [];
  for (const { title, verify } of CONTRACT) {
    try {
      await verify(app);
    } catch (error) {
      broken.push(`${title}: ${(error as Error).message}`);
    }
  }
  return broken;
}

/** What of a response shows whether a page may read or cache it. */
function summaryOf({ status, headers }: Received) {
  return {
    status,
    origin: headers['access-control-allow-origin'],
    credentials: headers['access-control-allow-credentials'],
    cache: headers['cache-control'],
  };
}

/** Requests a token as the widget does. */
function requestToken(
  url: string,
  path = '/authkit-token',
  { headers, body = {} }: Init = {},
  origin = WIDGET,
): Promise<Received> {
  return send(url, path, { headers: { origin, ...ADA, ...headers }, body });
}

/** Sends the preflight that a browser sends before the widget's request. */
function preflight(
  url: string,
  path: string,
  origin = WIDGET,
): Promise<Received> {
  return send(url, path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-app',
    },
  });
}

/** Sends a request with the path as it is: `fetch` would normalize it. */
function send(
  url: string,
  path: string,
  { method = 'POST', headers = {}, body }: Init = {},
): Promise<Received> {
  const { hostname, port } = new URL(url);
  const content = typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        hostname,
        port,
        method,
        path,
        // The app may end a connection after an error.
        agent: false,
        timeout: 30_000,
        headers: {
          ...headers,
          ...(content !== undefined && {
            'content-type': 'application/json',
            'content-length': `${Buffer.byteLength(content)}`,
          }),
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => (text += part));
        response.once('error', reject);
        response.once('end', () => {
          const isJson = response.headers['content-type']?.includes('json');
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: isJson ? JSON.parse(text) : text,
          });
        });
      },
    );
    request.once('timeout', () =>
      request.destroy(new Error(`No response to ${method} ${path} in 30 s`)),
    );
    request.once('error', reject);
    request.end(content);
  });
}
