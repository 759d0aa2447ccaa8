import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { Controller, Get, Header, type INestApplication } from '@nestjs/common';
import {
  createApp,
  PLATFORMS,
  register,
  startApp,
  type AppSettings,
  type Platform,
} from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { SignInGuard } from '../support/guards.js';
import {
  preflight,
  readResponse,
  requestToken,
  WIDGET,
} from '../support/http.js';
import { startServer } from '../support/server.js';

const STRANGER = 'https://evil.example';
const FRIEND = 'https://friend.example';

const pica = useEmulator({ integrations: 3 });

/** What an app configures about CORS by itself. */
const APPS: Record<string, (app: INestApplication) => void> = {
  'no CORS of the app': () => {},
  'enableCors()': (app) => app.enableCors(),
  'enableCors() for another origin with credentials': (app) =>
    app.enableCors({ origin: 'https://app.example', credentials: true }),
  'enableCors() for every origin with credentials': (app) =>
    app.enableCors({ origin: true, credentials: true }),
  'enableCors() that answers preflights with 200': (app) =>
    app.enableCors({
      origin: 'https://app.example',
      optionsSuccessStatus: 200,
    }),
  'a global prefix and enableCors({ origin: false })': (app) => {
    app.setGlobalPrefix('api');
    app.enableCors({ origin: false });
  },
};

describe.each(PLATFORMS)('the token endpoint on %s', (platform) => {
  describe.each(Object.keys(APPS))('with %s', (name) => {
    const start = async () => {
      const { url } = await startApp({
        pica,
        platform,
        options: { allowedOrigins: [FRIEND] },
        configure: APPS[name],
      });
      return `${url}${name.includes('prefix') ? '/api' : ''}/authkit-token`;
    };

    it.each([WIDGET, FRIEND])(
      'allows %s every header and no cookies in a preflight, without a request to the upstream',
      async (origin) => {
        const headers = 'authorization,content-type,x-anything-at-all';
        const response = await preflight(await start(), { origin, headers });
        expect(response.status).toBe(204);
        expect(response.text).toBe('');
        expect(Object.fromEntries(response.headers)).toMatchObject({
          'access-control-allow-origin': origin,
          'access-control-allow-headers': headers,
          'access-control-allow-methods': expect.stringContaining('POST'),
          vary: expect.stringMatching(/\bOrigin\b/),
        });
        expect(response.headers.has('access-control-allow-credentials')).toBe(
          false,
        );
        expect(pica.requests).toHaveLength(0);
      },
    );

    it('allows nothing to an origin that is not in allowedOrigins', async () => {
      const url = await start();
      for (const response of [
        await preflight(url, { origin: STRANGER }),
        await requestToken(url, { origin: STRANGER }),
        await requestToken(url, { origin: 'null' }),
      ]) {
        expect(response.headers.has('access-control-allow-origin')).toBe(false);
        expect(response.headers.has('access-control-allow-credentials')).toBe(
          false,
        );
        expect(response.headers.get('vary')).toMatch(/\bOrigin\b/);
      }
    });

    it('lets the widget read the token and every error', async () => {
      const url = await start();
      const responses = [await requestToken(url)];
      pica.fault({ status: 401 });
      responses.push(
        await requestToken(url),
        await requestToken(url, { headers: {} }),
        await requestToken(url, { body: '{ not JSON' }),
      );
      expect(responses.map(({ status }) => status)).toEqual([
        200, 502, 401, 400,
      ]);
      for (const { headers, status, body } of responses) {
        expect(headers.get('access-control-allow-origin')).toBe(WIDGET);
        expect(headers.has('access-control-allow-credentials')).toBe(false);
        expect(headers.get('vary')).toMatch(/\bOrigin\b/);
        if (status !== 200) expect(typeof body.message).toBe('string');
      }
    });
  });

  it('has the CORS of the app with `cors: false`', async () => {
    const { tokenUrl } = await startApp({
      pica,
      platform,
      controller: { cors: false },
      configure: (app) => app.enableCors({ origin: STRANGER }),
    });
    const response = await preflight(tokenUrl);
    expect(response.headers.get('access-control-allow-origin')).toBe(STRANGER);
    expect((await requestToken(tokenUrl)).status).toBe(200);
  });

  it('has its own CORS headers when the server is not the one that Nest creates', async () => {
    const { app } = await createApp({
      pica,
      controller: {},
      platform,
      configure: (app) => app.enableCors({ origin: FRIEND, credentials: true }),
    });
    const instance = app.getHttpAdapter().getInstance();
    await instance.ready?.();
    const url = await startServer(instance.routing ?? instance);
    const response = await requestToken(`${url}/authkit-token`);
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe(WIDGET);
    expect(response.headers.has('access-control-allow-credentials')).toBe(
      false,
    );
  });

  it.each([
    '/my/authkit-token',
    '/authkit-tokens',
    '/authkit-token/status',
    '/authkit-connections/some-id/calls',
  ])(
    'leaves CORS and caching of %s, a route of the app, alone',
    async (path) => {
      @Controller(path)
      class OwnController {
        @Get()
        @Header('Cache-Control', 'max-age=60')
        get() {
          return {};
        }
      }
      const { url } = await startApp({
        pica,
        platform,
        controller: { connections: true },
        controllers: [OwnController],
        configure: (app) =>
          app.enableCors({ origin: FRIEND, credentials: true }),
      });
      const response = await readResponse(
        await fetch(`${url}${path}`, { headers: { origin: FRIEND } }),
      );
      expect(response.status).toBe(200);
      for (const { headers } of [response, await preflight(`${url}${path}`)]) {
        expect(headers.get('access-control-allow-origin')).toBe(FRIEND);
        expect(headers.get('access-control-allow-credentials')).toBe('true');
      }
      expect(response.headers.get('cache-control')).toBe('max-age=60');
    },
  );

  it('gives each of two registrations whose paths are below one another its own CORS headers, errors included', async () => {
    const controller = { guards: [SignInGuard] };
    const { url } = await startApp({
      platform,
      registrations: [
        register({ pica, controller: { ...controller, path: 'acme/token' } }),
        register({
          pica,
          options: { allowedOrigins: [FRIEND] },
          controller: { ...controller, path: ':tenant/token' },
        }),
      ],
      configure: (app) => app.enableCors({ origin: true, credentials: true }),
    });
    for (const [path, expected] of [
      ['acme/token', null],
      ['other/token', FRIEND],
    ] as const) {
      for (const { headers, status } of [
        await preflight(`${url}/${path}`, { origin: FRIEND }),
        await requestToken(`${url}/${path}`, { origin: FRIEND, body: '{' }),
      ]) {
        expect([
          path,
          status,
          headers.get('access-control-allow-origin'),
        ]).toEqual([path, expect.any(Number), expected]);
        expect(headers.has('access-control-allow-credentials')).toBe(false);
      }
    }
  });
});

/** Variants of the path, of which each router serves some. */
const PATHS = [
  '/authkit-token',
  '/authkit-token?page=1&limit=100',
  '/authkit-token#fragment',
  'http://other.example/authkit-token',
  '/AUTHKIT-token',
  '/authkit-token/',
  '/authkit-token//',
  '//authkit-token',
  '/authkit-token;v=1?page=1',
  '/authkit%2Dtoken',
  '/authkit-token%2F',
  '/authkit-token%',
  '/authkit-tokens',
  '/authkit-token/x',
  '/my/authkit-token',
];

/** A Fastify whose router serves more variants, as that of Fastify 4 does by default. */
const LENIENT: AppSettings = {
  fastify: {
    routerOptions: {
      caseSensitive: false,
      ignoreDuplicateSlashes: true,
      ignoreTrailingSlash: true,
      useSemicolonDelimiter: true,
    } as object,
  },
};

describe.each<[Platform, string, AppSettings]>([
  ['Express', 'its default router', {}],
  ['Fastify', 'its default router', {}],
  ['Fastify', 'a lenient router', LENIENT],
])(
  'the path of the token endpoint on %s with %s',
  (platform, _name, settings) => {
    const start = async (controller: AppSettings['controller']) => {
      const { url } = await startApp({
        pica,
        platform,
        controller,
        configure: (app) => app.enableCors({ origin: true, credentials: true }),
        ...settings,
      });
      return (method: string, path: string, origin: string, body?: string) =>
        send(url, method, path, origin, body);
    };

    it('is served as the options have it', async () => {
      const request = await start({});
      const { status } = await request('POST', PATHS[0]!, WIDGET, '{}');
      expect(status).toBe(200);
    });

    it.each(PATHS)(
      '%s has the headers of the endpoint if the router serves it, and those of the endpoint or of the app if not',
      async (path) => {
        const app = await start({});
        const isServed = (await app('POST', path, WIDGET, '{}')).status === 200;
        const without = await start(false);

        for (const [origin, allowed] of [
          [WIDGET, WIDGET],
          [STRANGER, undefined],
        ] as const) {
          for (const [what, method, body] of [
            ['token', 'POST', '{}'],
            ['broken body', 'POST', '{ not JSON'],
            ['preflight', 'OPTIONS', undefined],
          ] as const) {
            const ofEndpoint = {
              'access-control-allow-origin': allowed,
              'access-control-allow-credentials': undefined,
              'cache-control': 'no-store',
            };
            const ofApp = headersOf(await without(method, path, origin, body));
            const received = headersOf(await app(method, path, origin, body));
            expect({ what, origin, received }).toEqual({
              what,
              origin,
              received:
                isServed || received['cache-control'] === 'no-store'
                  ? ofEndpoint
                  : ofApp,
            });
          }
        }
      },
    );
  },
);

function headersOf({ headers }: Received): Record<string, unknown> {
  return {
    'access-control-allow-origin': headers['access-control-allow-origin'],
    'access-control-allow-credentials':
      headers['access-control-allow-credentials'],
    'cache-control': headers['cache-control'],
  };
}

interface Received {
  status: number;
  headers: IncomingHttpHeaders;
}

/** Sends a request with a path as it is: `fetch` would normalize it. */
function send(
  url: string,
  method: string,
  path: string,
  origin: string,
  body?: string,
): Promise<Received> {
  const { hostname, port } = new URL(url);
  const headers =
    method === 'OPTIONS'
      ? {
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
        }
      : { 'content-type': 'application/json', authorization: 'Bearer ada' };
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { hostname, port, method, path, headers: { origin, ...headers } },
      (response) => {
        response.resume();
        response.once('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers }),
        );
      },
    );
    request.once('error', reject);
    request.end(body);
  });
}
