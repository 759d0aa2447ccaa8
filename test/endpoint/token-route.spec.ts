import {
  Controller,
  Get,
  Injectable,
  Module,
  UnauthorizedException,
  ValidationPipe,
  VersioningType,
  type CallHandler,
  type CanActivate,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_GUARD, RouterModule } from '@nestjs/core';
import { map } from 'rxjs';
import { AuthKitModule, AuthKitTokenService } from '../../lib/index.js';
import { PLATFORMS, startApp, type AppSettings } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { OpenGuard, SignInGuard } from '../support/guards.js';
import { preflight, requestToken, WIDGET } from '../support/http.js';
import { until } from '../support/until.js';

const pica = useEmulator();

describe.each(PLATFORMS)('the token endpoint on %s', (platform) => {
  describe.each([
    ['forRoot', false],
    ['forRootAsync', true],
  ])('by %s', (_name, isAsync) => {
    const start = (settings: AppSettings = {}) =>
      startApp({ pica, platform, async: isAsync, ...settings });

    it('answers the signed-in user with 200 and all integrations as one page', async () => {
      const { tokenUrl } = await start();
      const response = await requestToken(tokenUrl);
      expect(response.status).toBe(200);
      expect(response.body).toMatchObject({
        total: 247,
        pages: 1,
        page: 1,
        isWhiteLabel: false,
      });
      expect(response.body.rows).toEqual(pica.rows);
      expect(response.headers.get('content-type')).toMatch(
        /^application\/json/,
      );
      expect(response.headers.get('cache-control')).toBe('no-store');
    });

    it('returns rows byte for byte as the upstream sends them, numbers beyond the JavaScript range included', async () => {
      const { tokenUrl } = await start();
      const row = (page: number) =>
        `{"id":9007199254740993${page}, "price":1.0,"title":"Caf\\u00e9 ✓"}`;
      for (const page of [1, 2]) {
        pica.fault({
          path: '/v1/authkit',
          page,
          body: `{"rows":[${row(page)}],"total":2,"pages":2,"page":${page},"requestId":"r${page}"}`,
        });
      }
      for (const _ of ['page count unknown', 'page count known']) {
        const response = await requestToken(tokenUrl);
        expect(response.text).toContain(`"rows":[${row(1)},${row(2)}]`);
        expect(response.body).toMatchObject({ total: 2, requestId: 'r2' });
        expect(response.headers.get('content-length')).toBe(
          String(Buffer.byteLength(response.text)),
        );
      }
    });

    it('returns the token that an overridden create() returns', async () => {
      @Injectable()
      class FirstIntegration extends AuthKitTokenService {
        override async create(
          ...args: Parameters<AuthKitTokenService['create']>
        ) {
          const token = await super.create(...args);
          return { ...token, rows: token.rows.slice(0, 1) };
        }
      }
      const { tokenUrl } = await start({
        override: (builder) =>
          builder
            .overrideProvider(AuthKitTokenService)
            .useClass(FirstIntegration),
      });
      const response = await requestToken(tokenUrl);
      expect(response.status).toBe(200);
      expect(response.body.rows).toEqual(pica.rows.slice(0, 1));
    });

    it('returns the token that an overridden createJson() returns', async () => {
      @Injectable()
      class Renamed extends AuthKitTokenService {
        override async createJson(
          ...args: Parameters<AuthKitTokenService['createJson']>
        ) {
          const json = await super.createJson(...args);
          return Buffer.from(String(json).replaceAll('title', 'name'));
        }
      }
      const { tokenUrl } = await start({
        override: (builder) =>
          builder.overrideProvider(AuthKitTokenService).useClass(Renamed),
      });
      const { body } = await requestToken(tokenUrl);
      expect(body.rows[0].name).toBe(pica.rows[0]!.title);
    });

    it('requests the token for that user with the secret key and with nothing from the request', async () => {
      const { tokenUrl } = await start();
      await requestToken(`${tokenUrl}?identity=mallory&page=2`, {
        body: '{"identity":"mallory","identityType":"team"}',
        headers: { authorization: 'Bearer ada', 'x-other': 'thing' },
      });
      const pages = pica.requests.filter(({ method }) => method === 'POST');
      expect(pages).toHaveLength(2);
      for (const { body, headers } of pages) {
        expect(body).toEqual({ identity: 'ada', identityType: 'user' });
        expect(headers['x-pica-secret']).toBe(pica.secretKey);
        expect(headers).not.toHaveProperty('authorization');
        expect(headers).not.toHaveProperty('x-other');
      }
    });

    it('returns the error of the app’s guard, without a request to Pica', async () => {
      const { tokenUrl } = await start();
      const response = await requestToken(tokenUrl, { headers: {} });
      expect(response.status).toBe(401);
      expect(response.body.message).toBe('Sign in first');
      expect(response.headers.get('access-control-allow-origin')).toBe(WIDGET);
      expect(pica.requests).toHaveLength(0);
    });

    it('answers 401 when no guard has identified a user', async () => {
      const { tokenUrl } = await start({ controller: { guards: [OpenGuard] } });
      const response = await requestToken(tokenUrl, {
        headers: { 'x-user-id': 'mallory' },
        body: '{"identity":"mallory"}',
      });
      expect(response.status).toBe(401);
      expect(response.body).toEqual({
        statusCode: 401,
        message: expect.stringMatching(/sign in/i),
        error: 'Unauthorized',
        reason: 'unidentified',
      });
      expect(response.headers.get('access-control-allow-origin')).toBe(WIDGET);
      expect(pica.requests).toHaveLength(0);
    });

    it('returns the token unwrapped when a global interceptor wraps every response', async () => {
      @Injectable()
      class Wrap implements NestInterceptor {
        intercept(_: unknown, next: CallHandler) {
          return next.handle().pipe(map((data) => ({ data })));
        }
      }
      const { tokenUrl } = await start({
        configure: (app) => app.useGlobalInterceptors(new Wrap()),
      });
      const response = await requestToken(tokenUrl);
      expect(response.status).toBe(200);
      expect(response.body).toHaveProperty('rows');
      expect(response.body).not.toHaveProperty('data');
    });

    it.each([
      '{}',
      '{"identity":"mallory","theme":"dark"}',
      '[]',
      '[{"a":1}]',
      '{"page":null,"nested":{"deep":[1,2,3]}}',
    ])(
      'answers 200 under a strict ValidationPipe when the query is unknown and the body is %s',
      async (body) => {
        const { tokenUrl } = await start({
          configure: (app) =>
            app.useGlobalPipes(
              new ValidationPipe({
                whitelist: true,
                forbidNonWhitelisted: true,
                forbidUnknownValues: true,
                transform: true,
                validateCustomDecorators: true,
              }),
            ),
        });
        const response = await requestToken(
          `${tokenUrl}?page=1&limit=100&theme=dark`,
          { body },
        );
        expect(response.status).toBe(200);
        expect(response.body.rows).toHaveLength(247);
      },
    );

    it('is served under the global prefix and the URI version of the app', async () => {
      const { url, tokenUrl } = await start({
        controller: { version: '2' },
        configure(app) {
          app.setGlobalPrefix('api');
          app.enableVersioning({ type: VersioningType.URI });
        },
      });
      const path = `${url}/api/v2/authkit-token`;
      expect((await requestToken(path)).status).toBe(200);
      expect((await preflight(path)).status).toBe(204);
      expect((await requestToken(tokenUrl)).status).toBe(404);
    });

    it('is served for its version when the app has header versioning', async () => {
      const { tokenUrl } = await start({
        controller: { version: '2' },
        configure: (app) =>
          app.enableVersioning({ type: VersioningType.HEADER, header: 'x-v' }),
      });
      const response = await requestToken(tokenUrl, {
        headers: { authorization: 'Bearer ada', 'x-v': '2' },
      });
      expect(response.status).toBe(200);
      expect(response.headers.get('access-control-allow-origin')).toBe(WIDGET);
    });

    it('is served under the path that the RouterModule gives it', async () => {
      const { url } = await start({
        imports: [
          RouterModule.register([{ path: 'deep', module: AuthKitModule }]),
        ],
      });
      const path = `${url}/deep/authkit-token`;
      expect((await requestToken(path)).status).toBe(200);
      expect(
        (await preflight(path)).headers.get('access-control-allow-origin'),
      ).toBe(WIDGET);
    });

    it('is served at the path of the options and at no other', async () => {
      const { url, tokenUrl } = await start({
        controller: { path: 'connect/token' },
      });
      expect((await requestToken(`${url}/connect/token`)).status).toBe(200);
      expect((await requestToken(tokenUrl)).status).toBe(404);
    });

    it('returns the error of an APP_GUARD to the widget with CORS headers, and lets the preflight pass', async () => {
      @Injectable()
      class Locked implements CanActivate {
        canActivate(): boolean {
          throw new UnauthorizedException('Locked');
        }
      }
      const { tokenUrl } = await start({
        providers: [{ provide: APP_GUARD, useClass: Locked }],
      });
      const response = await requestToken(tokenUrl);
      expect(response.status).toBe(401);
      expect(response.body.message).toBe('Locked');
      expect(response.headers.get('access-control-allow-origin')).toBe(WIDGET);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect((await preflight(tokenUrl)).status).toBe(204);
    });

    it('applies the class decorators of the options to its controller', async () => {
      const seen: unknown[] = [];
      await start({
        controller: { decorators: [(target) => void seen.push(target)] },
      });
      expect(seen).toEqual([expect.any(Function)]);
    });

    it('adds no headers to the other routes of the app', async () => {
      @Controller('other')
      class Other {
        @Get()
        get() {
          return { fine: true };
        }
      }
      @Module({ controllers: [Other] })
      class OtherModule {}
      const { url } = await start({ imports: [OtherModule] });
      const response = await fetch(`${url}/other`, {
        headers: { origin: WIDGET },
      });
      expect(await response.json()).toEqual({ fine: true });
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
      expect(response.headers.get('cache-control')).toBeNull();
    });
  });

  it('does not exist without the option controller', async () => {
    const { tokenUrl } = await startApp({ pica, platform, controller: false });
    expect((await requestToken(tokenUrl)).status).toBe(404);
  });

  it('exists with `controller: true`, for the user that a guard of the app identifies', async () => {
    const { tokenUrl } = await startApp({
      pica,
      platform,
      controller: true,
      providers: [{ provide: APP_GUARD, useClass: SignInGuard }],
    });
    const response = await requestToken(tokenUrl);
    expect(response.status).toBe(200);
    expect(pica.requests.at(-1)?.body).toEqual({
      identity: 'ada',
      identityType: 'user',
    });
  });

  it('cancels its requests to Pica when the client disconnects', async () => {
    pica.fault({ hang: true });
    const { tokenUrl } = await startApp({
      pica,
      platform,
      options: { timeout: 60_000, attemptTimeout: 60_000 },
    });
    const client = new AbortController();
    const response = requestToken(tokenUrl, { signal: client.signal });
    response.catch(() => {});
    await until(() => pica.requests.length === 2);
    client.abort();
    await expect(response).rejects.toThrow();
    await until(() => pica.requests.every(({ aborted }) => aborted));
    expect(pica.requests).toHaveLength(2);
  });
});
