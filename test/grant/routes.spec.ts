import { once } from 'node:events';
import { request } from 'node:http';
import {
  Injectable,
  SetMetadata,
  ValidationPipe,
  VersioningType,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { map } from 'rxjs';
import type { AuthKitControllerOptions } from '../../lib/index.js';
import { PLATFORMS, startApp, type AppSettings } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { grantOf } from '../support/grants.js';
import { SessionGuard } from '../support/guards.js';
import {
  preflight,
  readResponse,
  requestGrant,
  requestToken,
  WIDGET,
} from '../support/http.js';
import { captureWarnings } from '../support/mocks.js';

/** Middleware of Express and a hook of Fastify. */
type Middleware = (request: object, reply: object, next: () => void) => void;

const pica = useEmulator({ integrations: 3 });

describe.each(PLATFORMS)('grants on %s', (platform) => {
  const start = ({
    controller,
    ...settings
  }: Omit<AppSettings, 'controller'> & {
    controller?: AuthKitControllerOptions;
  } = {}) =>
    startApp({
      pica,
      platform,
      controller: { grants: true, ...controller },
      ...settings,
    });

  it('take a page from its session to a token, in the form that the widget expects', async () => {
    const { tokenUrl } = await start();
    const requestedAt = Date.now();
    const granted = await requestGrant(tokenUrl);
    expect(granted.status).toBe(200);
    expect(granted.body).toEqual({
      url: tokenUrl,
      headers: { Authorization: expect.stringMatching(/^Bearer [\w.-]+$/) },
      expiresAt: expect.any(String),
    });
    expect(granted.headers.get('cache-control')).toBe('no-store');
    const lifetime = Date.parse(granted.body.expiresAt) - requestedAt;
    expect(lifetime).toBeGreaterThan(298_000);
    expect(lifetime).toBeLessThan(302_000);

    const token = await requestToken(granted.body.url, granted.body);
    expect(token.status).toBe(200);
    expect(token.body.rows).toEqual(pica.rows);
    expect(token.headers.get('access-control-allow-origin')).toBe(WIDGET);
    const page = pica.requests.find(({ method }) => method === 'POST');
    expect(page?.body).toEqual({ identity: 'ada', identityType: 'user' });
    expect(JSON.stringify(pica.requests)).not.toContain(grantOf(granted));
  });

  it('are refused when the guard of the app refuses the request', async () => {
    const { tokenUrl } = await start();
    const response = await requestGrant(tokenUrl, { cookie: '' });
    expect(response.status).toBe(401);
    expect(response.body.message).toBe('No session');
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('are required for a token, even in a session', async () => {
    const { tokenUrl } = await start();
    const response = await requestToken(tokenUrl, {
      headers: { cookie: 'sid=ada' },
    });
    expect(response.status).toBe(401);
    expect(response.body).toMatchObject({
      reason: 'unidentified',
      message: expect.stringMatching(/could not be opened.*try again/),
    });
    expect(response.headers.get('access-control-allow-origin')).toBe(WIDGET);
    expect(pica.requests).toHaveLength(0);
  });

  it('have no route with `grants: false`', async () => {
    const { tokenUrl } = await start({ controller: { grants: false } });
    expect((await requestGrant(tokenUrl)).status).toBe(404);
  });

  it('contain the URL of the endpoint with global prefix and version', async () => {
    const { url } = await start({
      controller: { version: '2' },
      configure(app) {
        app.setGlobalPrefix('api');
        app.enableVersioning({ type: VersioningType.URI });
      },
    });
    const tokenUrl = `${url}/api/v2/authkit-token`;
    const { body: grant } = await requestGrant(tokenUrl);
    expect(grant.url).toBe(tokenUrl);
    expect((await requestToken(grant.url, grant)).status).toBe(200);
  });

  it.each(['authkit-token/', '/authkit-token', 'a/b/', '/'])(
    'are served when the path is written as "%s"',
    async (path) => {
      const { url } = await start({ controller: { path } });
      const route = `/${path}`.replaceAll(/\/+/g, '/').replace(/\/$/, '');
      const response = await requestGrant(`${url}${route}`);
      expect(response.status).toBe(200);
      const grant = response.body;
      expect((await requestToken(grant.url, grant)).status).toBe(200);
    },
  );

  it('contain the URL that the client requested from the proxy only when the app trusts the proxy', async () => {
    const forwarded = {
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'app.example:8443',
    };
    const trusting = await start({ trustProxy: true });
    expect((await requestGrant(trusting.tokenUrl, forwarded)).body.url).toBe(
      'https://app.example:8443/authkit-token',
    );
    const { tokenUrl } = await start();
    expect((await requestGrant(tokenUrl, forwarded)).body.url).toBe(tokenUrl);
  });

  it('are logged with the derived url and the names of the X-Forwarded headers that the app does not use, once for each url', async () => {
    const { tokenUrl } = await start();
    const warnings = captureWarnings();
    const forwarded = {
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'app.example, other.example',
      'x-forwarded-prefix': '/api',
    };
    for (let index = 0; index < 3; index += 1) {
      await requestGrant(tokenUrl, forwarded);
    }
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`The url of a grant is ${tokenUrl}: `);
    expect(warnings[0]).toMatch(
      /x-forwarded-proto, x-forwarded-host, x-forwarded-prefix\. .*trust proxy.*trustProxy.*grant\.url/,
    );
    for (let index = 0; index < 30; index += 1) {
      // fetch() sets the Host header by itself.
      const options = {
        method: 'POST',
        headers: {
          ...forwarded,
          cookie: 'sid=ada',
          host: `host-${index}.example`,
        },
      };
      const sent = request(`${tokenUrl}/grant`, options).end();
      const [response] = await once(sent, 'response');
      response.resume();
      expect(response.statusCode).toBe(200);
    }
    expect(warnings).toHaveLength(20);
  });

  it.each<[string, Record<string, string>, AppSettings]>([
    [
      'the app trusts the proxy',
      {
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'App.example:443',
      },
      { trustProxy: true },
    ],
    [
      '`grant.url` is given',
      { 'x-forwarded-proto': 'https' },
      { options: { grant: { url: 'https://app.example/authkit-token' } } },
    ],
    [
      'the headers say what the url says',
      { 'x-forwarded-proto': 'http', 'x-forwarded-for': '1.2.3.4' },
      {},
    ],
  ])(
    'are not logged when %s',
    async (_name, headers, { trustProxy, options }) => {
      const { tokenUrl } = await start({ trustProxy, options });
      const warnings = captureWarnings();
      expect((await requestGrant(tokenUrl, headers)).status).toBe(200);
      expect(warnings).toEqual([]);
    },
  );

  it('contain `grant.url` when it is given', async () => {
    const url = 'https://app.example/api/authkit-token';
    const { tokenUrl } = await start({ options: { grant: { url } } });
    expect((await requestGrant(tokenUrl)).body.url).toBe(url);
  });

  it('contain the URL of the endpoint without the query of the request', async () => {
    const { tokenUrl } = await start();
    const { body } = await readResponse(
      await fetch(`${tokenUrl}/grant?next=/grant`, {
        method: 'POST',
        headers: { cookie: 'sid=ada' },
      }),
    );
    expect(body.url).toBe(tokenUrl);
  });

  it('contain the URL of the endpoint when requests have no originalUrl, as in early versions of Fastify 4', async () => {
    const { tokenUrl } = await start({
      configure: (app) => {
        const hide: Middleware = (request, _response, next) => {
          Object.defineProperty(request, 'originalUrl', { value: undefined });
          next();
        };
        if (platform === 'Express') app.use(hide);
        else app.getHttpAdapter().getInstance().addHook('preHandler', hide);
      },
    });
    expect((await requestGrant(tokenUrl)).body.url).toBe(tokenUrl);
  });

  it('expire after `grant.ttl` seconds', async () => {
    const { tokenUrl } = await start({ options: { grant: { ttl: 20 } } });
    const { body } = await requestGrant(tokenUrl);
    const lifetime = Date.parse(body.expiresAt) - Date.now();
    expect(lifetime).toBeGreaterThan(17_000);
    expect(lifetime).toBeLessThanOrEqual(20_000);
  });

  it('are returned unwrapped and accepted when the app has a wrapping interceptor and a strict ValidationPipe', async () => {
    @Injectable()
    class Wrap implements NestInterceptor {
      intercept(_: ExecutionContext, next: CallHandler) {
        return next.handle().pipe(map((data: unknown) => ({ data })));
      }
    }
    const { tokenUrl } = await start({
      configure(app) {
        app.useGlobalInterceptors(new Wrap());
        app.useGlobalPipes(
          new ValidationPipe({
            whitelist: true,
            forbidNonWhitelisted: true,
            forbidUnknownValues: true,
            transform: true,
            validateCustomDecorators: true,
          }),
        );
      },
    });
    const { body: grant } = await requestGrant(tokenUrl);
    expect(Object.keys(grant)).toEqual(['url', 'headers', 'expiresAt']);
    expect((await requestToken(grant.url, grant)).status).toBe(200);
  });

  it('pass an APP_GUARD only on the token route of the registration whose `tokenRouteDecorators` open it', async () => {
    const Public = () => SetMetadata('public', true);
    @Injectable()
    class Everywhere implements CanActivate {
      private readonly reflector = new Reflector();
      canActivate(context: ExecutionContext): boolean {
        return (
          this.reflector.getAllAndOverride('public', [
            context.getHandler(),
            context.getClass(),
          ]) || new SessionGuard().canActivate(context)
        );
      }
    }
    const providers = [{ provide: APP_GUARD, useClass: Everywhere }];
    const closed = await start({ providers });
    const { body: grant } = await requestGrant(closed.tokenUrl);
    expect((await requestToken(closed.tokenUrl, grant)).body.message).toBe(
      'No session',
    );

    const open = await start({
      providers,
      controller: { guards: [], tokenRouteDecorators: [Public()] },
    });
    expect((await requestToken(open.tokenUrl, grant)).status).toBe(200);
    expect(
      (await requestToken(open.tokenUrl, { headers: {} })).body.reason,
    ).toBe('unidentified');
    expect(
      (await requestGrant(open.tokenUrl, { cookie: '' })).body.message,
    ).toBe('No session');

    // The decorators of one registration do not apply to a later one.
    const later = await start({ providers });
    expect((await requestToken(later.tokenUrl, grant)).body.message).toBe(
      'No session',
    );
  });

  it('have both routes in controllers with the class decorators of the options', async () => {
    const names: string[] = [];
    await start({
      controller: { decorators: [({ name }) => void names.push(name)] },
    });
    expect(names).toHaveLength(2);
  });

  it.each<[string, string, (app: INestApplication) => void]>([
    ['does not enable CORS', '', () => {}],
    ['enables CORS', '', (app) => app.enableCors()],
    [
      'enables CORS for every origin with credentials',
      '',
      (app) => app.enableCors({ origin: true, credentials: true }),
    ],
    [
      'enables CORS under a global prefix',
      '/api',
      (app) => {
        app.setGlobalPrefix('api');
        app.enableCors({ origin: true, credentials: true });
      },
    ],
  ])(
    'cannot be read by a page of another origin, the widget included, when the app %s',
    async (_name, prefix, configure) => {
      const { url } = await start({ configure });
      const tokenUrl = `${url}${prefix}/authkit-token`;
      for (const origin of [WIDGET, 'https://evil.example']) {
        const responses = [
          await preflight(`${tokenUrl}/grant`, { origin }),
          await requestGrant(tokenUrl, { origin }),
          await requestGrant(tokenUrl, {
            origin,
            'sec-fetch-site': 'cross-site',
          }),
        ];
        for (const { headers } of responses) {
          expect([...headers.keys()].join()).not.toMatch(/access-control-/);
        }
      }
      expect((await preflight(tokenUrl)).status).toBe(204);
      const { body: grant } = await requestGrant(tokenUrl);
      const { headers } = await requestToken(tokenUrl, grant);
      expect(headers.get('access-control-allow-origin')).toBe(WIDGET);
    },
  );

  it('are accepted with the scheme Bearer in any case, and refused with another scheme or none', async () => {
    const { tokenUrl } = await start();
    const grant = grantOf(await requestGrant(tokenUrl));
    const statusFor = async (authorization: string) =>
      (await requestToken(tokenUrl, { headers: { authorization } })).status;
    for (const scheme of ['Bearer', 'bearer', 'BEARER ']) {
      expect(await statusFor(`${scheme} ${grant}`)).toBe(200);
    }
    for (const header of [grant, `Basic ${grant}`, 'Bearer', 'Bearer ']) {
      expect(await statusFor(header)).toBe(401);
    }
  });
});
