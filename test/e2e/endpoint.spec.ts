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
  type DynamicModule,
  type INestApplication,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, RouterModule } from '@nestjs/core';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { map } from 'rxjs';
import {
  AuthKitModule,
  AuthKitTokenService,
  type AuthKitControllerOptions,
  type AuthKitModuleOptions,
} from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { PLATFORMS, runApp, stopApps } from '../support/run-app.js';
import { OpenGuard, SignInGuard } from '../support/sign-in.guard.js';
import { until } from '../support/until.js';
import { askForToken, preflight, WIDGET } from '../support/widget.js';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start();
});
afterEach(async () => {
  await stopApps();
  pica.reset();
});
afterAll(() => pica.stop());

const options = (): AuthKitModuleOptions => ({
  secretKey: pica.secretKey,
  baseUrl: pica.url,
});

/** The two ways to register the module, which are to behave the same. */
const REGISTRATIONS: Record<
  string,
  (controller: AuthKitControllerOptions) => DynamicModule
> = {
  forRoot: (controller) => AuthKitModule.forRoot({ ...options(), controller }),
  forRootAsync: (controller) =>
    AuthKitModule.forRootAsync({
      useFactory: async () => options(),
      controller,
    }),
};

describe.each(PLATFORMS)('the token endpoint on %s', (platform) => {
  describe.each(Object.keys(REGISTRATIONS))('by %s', (way) => {
    const start = (
      { guards = [SignInGuard], ...controller }: AuthKitControllerOptions = {},
      configure?: (app: INestApplication) => void,
      more: { imports?: (Type | DynamicModule)[]; providers?: object[] } = {},
    ) => {
      @Module({
        imports: [
          REGISTRATIONS[way]!({ guards, ...controller }),
          ...(more.imports ?? []),
        ],
        providers: more.providers as [],
      })
      class App {}
      return runApp(platform, App, configure);
    };

    it('answers the signed-in user with 200 and all integrations as one page', async () => {
      const url = await start();
      const answer = await askForToken(`${url}/authkit-token`);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        total: 247,
        pages: 1,
        page: 1,
        isWhiteLabel: false,
      });
      expect(answer.body.rows).toEqual(pica.rows);
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    });

    it('hands rows on as Pica has written them, also what JavaScript numbers cannot hold', async () => {
      const url = await start();
      const row = (page: number) =>
        `{"id":9007199254740993${page}, "price":1.0,"title":"Caf\\u00e9 ✓"}`;
      for (const page of [1, 2]) {
        pica.fault({
          path: '/v1/authkit',
          page,
          body: `{"rows":[${row(page)}],"total":2,"pages":2,"page":${page},"requestId":"r${page}"}`,
        });
      }
      for (const _ of ['without a guess', 'with one']) {
        const answer = await askForToken(`${url}/authkit-token`);
        expect(answer.text).toContain(`"rows":[${row(1)},${row(2)}]`);
        expect(answer.body).toMatchObject({ total: 2, requestId: 'r2' });
        expect(answer.headers.get('content-length')).toBe(
          String(Buffer.byteLength(answer.text)),
        );
      }
    });

    it('answers what the app makes of `create()`', async () => {
      @Injectable()
      class Fewer extends AuthKitTokenService {
        override async create(
          ...args: Parameters<AuthKitTokenService['create']>
        ) {
          const token = await super.create(...args);
          return { ...token, rows: token.rows.slice(0, 1) };
        }
      }
      const module = await Test.createTestingModule({
        imports: [REGISTRATIONS[way]!({ guards: [SignInGuard] })],
      })
        .overrideProvider(AuthKitTokenService)
        .useClass(Fewer)
        .compile();
      const app = module.createNestApplication(
        platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter(),
        { logger: false },
      );
      await app.listen(0, '127.0.0.1');
      const answer = await askForToken(`${await app.getUrl()}/authkit-token`);
      await app.close();
      expect(answer.status).toBe(200);
      expect(answer.body.rows).toEqual(pica.rows.slice(0, 1));
    });

    it('asks Pica in the name of that user, with the secret key and nothing of the request', async () => {
      const url = await start();
      await askForToken(`${url}/authkit-token?identity=mallory&page=2`, {
        body: '{"identity":"mallory","identityType":"team"}',
        headers: { authorization: 'Bearer ada', 'x-other': 'thing' },
      });
      const pages = pica.requests.filter(({ method }) => method === 'POST');
      expect(pages).toHaveLength(3);
      for (const { body, headers } of pages) {
        expect(body).toEqual({ identity: 'ada', identityType: 'user' });
        expect(headers['x-pica-secret']).toBe(pica.secretKey);
        expect(headers).not.toHaveProperty('authorization');
        expect(headers).not.toHaveProperty('x-other');
      }
    });

    it('lets the guard of the app speak first', async () => {
      const url = await start();
      const answer = await askForToken(`${url}/authkit-token`, { headers: {} });
      expect(answer.status).toBe(401);
      expect(answer.body.message).toBe('Sign in first');
      expect(answer.headers.get('access-control-allow-origin')).toBe(WIDGET);
      expect(pica.requests).toHaveLength(0);
    });

    it('answers 401 where no guard has found a user', async () => {
      const url = await start({ guards: [OpenGuard] });
      const answer = await askForToken(`${url}/authkit-token`, {
        headers: { 'x-user-id': 'mallory' },
        body: '{"identity":"mallory"}',
      });
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({
        statusCode: 401,
        message: expect.stringMatching(/sign in/i),
        error: 'Unauthorized',
        reason: 'unidentified',
      });
      expect(answer.headers.get('access-control-allow-origin')).toBe(WIDGET);
      expect(pica.requests).toHaveLength(0);
    });

    it('answers the raw object under an interceptor that wraps every answer', async () => {
      @Injectable()
      class Wrap implements NestInterceptor {
        intercept(_: unknown, next: CallHandler) {
          return next.handle().pipe(map((data) => ({ data })));
        }
      }
      const url = await start({}, (app) =>
        app.useGlobalInterceptors(new Wrap()),
      );
      const answer = await askForToken(`${url}/authkit-token`);
      expect(answer.status).toBe(200);
      expect(answer.body).toHaveProperty('rows');
      expect(answer.body).not.toHaveProperty('data');
    });

    it.each([
      '{}',
      '{"identity":"mallory","theme":"dark"}',
      '[]',
      '[{"a":1}]',
      '{"page":null,"nested":{"deep":[1,2,3]}}',
    ])(
      'is served under a strict ValidationPipe with a foreign query and the body %s',
      async (body) => {
        const url = await start({}, (app) =>
          app.useGlobalPipes(
            new ValidationPipe({
              whitelist: true,
              forbidNonWhitelisted: true,
              forbidUnknownValues: true,
              transform: true,
              validateCustomDecorators: true,
            }),
          ),
        );
        const answer = await askForToken(
          `${url}/authkit-token?page=1&limit=100&theme=dark`,
          { body },
        );
        expect(answer.status).toBe(200);
        expect(answer.body.rows).toHaveLength(247);
      },
    );

    it('follows the global prefix and the URI version of the app', async () => {
      const url = await start({ version: '2' }, (app) => {
        app.setGlobalPrefix('api');
        app.enableVersioning({ type: VersioningType.URI });
      });
      const path = `${url}/api/v2/authkit-token`;
      expect((await askForToken(path)).status).toBe(200);
      expect((await preflight(path)).status).toBe(204);
      expect((await askForToken(`${url}/authkit-token`)).status).toBe(404);
    });

    it('follows a header version of the app', async () => {
      const url = await start({ version: '2' }, (app) =>
        app.enableVersioning({ type: VersioningType.HEADER, header: 'x-v' }),
      );
      const answer = await askForToken(`${url}/authkit-token`, {
        headers: { authorization: 'Bearer ada', 'x-v': '2' },
      });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('access-control-allow-origin')).toBe(WIDGET);
    });

    it('follows the RouterModule', async () => {
      const url = await start({}, undefined, {
        imports: [
          RouterModule.register([{ path: 'deep', module: AuthKitModule }]),
        ],
      });
      const path = `${url}/deep/authkit-token`;
      expect((await askForToken(path)).status).toBe(200);
      expect(
        (await preflight(path)).headers.get('access-control-allow-origin'),
      ).toBe(WIDGET);
      // The metadata stands on the module class: it must not reach the next test.
      Reflect.getMetadataKeys(AuthKitModule)
        .filter((key: string) => key.startsWith('__module_path__'))
        .forEach((key: string) => Reflect.deleteMetadata(key, AuthKitModule));
    });

    it('is served on a path of its own, and on no other', async () => {
      const url = await start({ path: 'connect/token' });
      expect((await askForToken(`${url}/connect/token`)).status).toBe(200);
      expect((await askForToken(`${url}/authkit-token`)).status).toBe(404);
    });

    it('stands behind an APP_GUARD, whose refusal the widget can read and whose preflight passes', async () => {
      @Injectable()
      class Locked implements CanActivate {
        canActivate(): boolean {
          throw new UnauthorizedException('Locked');
        }
      }
      const url = await start({}, undefined, {
        providers: [{ provide: APP_GUARD, useClass: Locked }],
      });
      const answer = await askForToken(`${url}/authkit-token`);
      expect(answer.status).toBe(401);
      expect(answer.body.message).toBe('Locked');
      expect(answer.headers.get('access-control-allow-origin')).toBe(WIDGET);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect((await preflight(`${url}/authkit-token`)).status).toBe(204);
    });

    it('wears the class decorators that it is given', async () => {
      const seen: unknown[] = [];
      await start({ decorators: [(target) => void seen.push(target)] });
      expect(seen).toEqual([expect.any(Function)]);
    });

    it('leaves the other routes of the app alone', async () => {
      @Controller('other')
      class Other {
        @Get()
        get() {
          return { fine: true };
        }
      }
      @Module({ controllers: [Other] })
      class OtherModule {}
      const url = await start({}, undefined, { imports: [OtherModule] });
      const answer = await fetch(`${url}/other`, {
        headers: { origin: WIDGET },
      });
      expect(await answer.json()).toEqual({ fine: true });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      expect(answer.headers.get('cache-control')).toBeNull();
    });
  });

  it('is not there unless it is asked for', async () => {
    @Module({ imports: [AuthKitModule.forRoot(options())] })
    class App {}
    const url = await runApp(platform, App);
    expect((await askForToken(`${url}/authkit-token`)).status).toBe(404);
  });

  it('is there by `controller: true`, for the user that a guard of the app has found', async () => {
    @Module({
      imports: [AuthKitModule.forRoot({ ...options(), controller: true })],
      providers: [{ provide: APP_GUARD, useClass: SignInGuard }],
    })
    class App {}
    const url = await runApp(platform, App);
    const answer = await askForToken(`${url}/authkit-token`);
    expect(answer.status).toBe(200);
    expect(pica.requests.at(-1)?.body).toEqual({
      identity: 'ada',
      identityType: 'user',
    });
  });

  it('stops asking Pica when the client goes away', async () => {
    pica.fault({ hang: true });
    @Module({
      imports: [
        AuthKitModule.forRoot({
          ...options(),
          // Nothing but the client ends the calls.
          timeout: 60_000,
          attemptTimeout: 60_000,
          controller: { guards: [SignInGuard] },
        }),
      ],
    })
    class App {}
    const url = await runApp(platform, App);
    const client = new AbortController();
    const answer = askForToken(`${url}/authkit-token`, {
      signal: client.signal,
    });
    answer.catch(() => {});
    await until(() => pica.requests.length === 2);
    client.abort();
    await expect(answer).rejects.toThrow();
    await until(() => pica.requests.every(({ aborted }) => aborted));
    expect(pica.requests).toHaveLength(2);
  });
});
