import {
  Injectable,
  Module,
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
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { map } from 'rxjs';
import {
  AuthKitModule,
  type AuthKitControllerOptions,
  type AuthKitGrantOptions,
} from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { askForGrant, bearing, grantOf, SECRET } from '../support/grants.js';
import {
  PLATFORMS,
  runApp,
  stopApps,
  type AppSettings,
} from '../support/run-app.js';
import { SessionGuard } from '../support/session.guard.js';
import { askForToken, preflight, WIDGET } from '../support/widget.js';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start({ integrations: 3 });
});
afterEach(async () => {
  await stopApps();
  pica.reset();
});
afterAll(() => pica.stop());

describe.each(PLATFORMS)('grants on %s', (platform) => {
  const start = (
    {
      controller = {},
      grant = {},
      providers = [],
      ...settings
    }: AppSettings & {
      controller?: AuthKitControllerOptions;
      grant?: Partial<AuthKitGrantOptions>;
      providers?: object[];
    } = {},
    configure?: (app: INestApplication) => void,
  ) => {
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: pica.secretKey,
          baseUrl: pica.url,
          grant: { secret: SECRET, ...grant },
          controller: { guards: [SessionGuard], grants: true, ...controller },
        }),
      ],
      providers: providers as [],
    })
    class App {}
    return runApp(platform, App, configure, settings);
  };

  it('take the page from its session to a token, in the shape that the widget takes', async () => {
    const url = `${await start()}/authkit-token`;
    const asked = Date.now();
    const answer = await askForGrant(url);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      url,
      headers: { Authorization: expect.stringMatching(/^Bearer [\w.-]+$/) },
      expiresAt: expect.any(String),
    });
    const lifetime = Date.parse(answer.body.expiresAt) - asked;
    expect(lifetime).toBeGreaterThan(298_000);
    expect(lifetime).toBeLessThan(302_000);
    expect(answer.headers.get('cache-control')).toBe('no-store');

    const token = await askForToken(answer.body.url, {
      headers: answer.body.headers,
    });
    expect(token.status).toBe(200);
    expect(token.body.rows).toEqual(pica.rows);
    expect(token.headers.get('access-control-allow-origin')).toBe(WIDGET);
    expect(pica.requests.find(({ method }) => method === 'POST')?.body).toEqual(
      {
        identity: 'ada',
        identityType: 'user',
      },
    );
    expect(JSON.stringify(pica.requests)).not.toContain(grantOf(answer));
  });

  it('are for those alone whom the guard of the app lets in', async () => {
    const url = `${await start()}/authkit-token`;
    const answer = await askForGrant(url, { cookie: '' });
    expect(answer.status).toBe(401);
    expect(answer.body.message).toBe('No session');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('are the only way to a token: a session is none', async () => {
    const url = `${await start()}/authkit-token`;
    const answer = await askForToken(url, { headers: { cookie: 'sid=ada' } });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({
      reason: 'unidentified',
      message: expect.stringMatching(/no grant.*open the dialog again/i),
    });
    expect(answer.headers.get('access-control-allow-origin')).toBe(WIDGET);
    expect(pica.requests).toHaveLength(0);
  });

  it('do not bring their route where they are not asked for', async () => {
    const url = await start({ controller: { grants: false } });
    expect((await askForGrant(`${url}/authkit-token`)).status).toBe(404);
  });

  it('name the endpoint with prefix and version', async () => {
    const url = await start({ controller: { version: '2' } }, (app) => {
      app.setGlobalPrefix('api');
      app.enableVersioning({ type: VersioningType.URI });
    });
    const endpoint = `${url}/api/v2/authkit-token`;
    const { body } = await askForGrant(endpoint);
    expect(body.url).toBe(endpoint);
    const { status } = await askForToken(body.url, body);
    expect(status).toBe(200);
  });

  it.each(['authkit-token/', '/authkit-token', 'a/b/', '/'])(
    'are there for a path that is written as %s',
    async (path) => {
      const url = await start({ controller: { path } });
      const route = `${url}/${path}`.replaceAll(/(?<!:)\/+/g, '/');
      const { status, body } = await askForGrant(route.replace(/\/$/, ''));
      expect(status).toBe(200);
      expect((await askForToken(body.url, body)).status).toBe(200);
    },
  );

  it('name the endpoint as the proxy was asked for it, where the app trusts the proxy', async () => {
    const forwarded = {
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'app.example:8443',
    };
    const trusting = `${await start({ trustProxy: true })}/authkit-token`;
    expect((await askForGrant(trusting, forwarded)).body.url).toBe(
      'https://app.example:8443/authkit-token',
    );
    const wary = `${await start()}/authkit-token`;
    expect((await askForGrant(wary, forwarded)).body.url).toBe(wary);
  });

  it('name the endpoint that `grant.url` names', async () => {
    const named = 'https://app.example/api/authkit-token';
    const url = await start({ grant: { url: named } });
    const { body } = await askForGrant(`${url}/authkit-token`);
    expect(body.url).toBe(named);
  });

  it('name the endpoint without the query of the request', async () => {
    const url = await start();
    const answer = await fetch(`${url}/authkit-token/grant?next=/grant`, {
      method: 'POST',
      headers: { cookie: 'sid=ada' },
    });
    const body = (await answer.json()) as { url: string };
    expect(body.url).toBe(`${url}/authkit-token`);
  });

  it('live as long as `grant.ttl` says', async () => {
    const url = await start({ grant: { ttl: 20 } });
    const { body } = await askForGrant(`${url}/authkit-token`);
    const lifetime = Date.parse(body.expiresAt) - Date.now();
    expect(lifetime).toBeGreaterThan(17_000);
    expect(lifetime).toBeLessThanOrEqual(20_000);
  });

  it('are not wrapped by interceptors, nor refused by strict pipes', async () => {
    @Injectable()
    class Wrap implements NestInterceptor {
      intercept(_: ExecutionContext, next: CallHandler) {
        return next.handle().pipe(map((data: unknown) => ({ data })));
      }
    }
    const url = await start({}, (app) => {
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
    });
    const { body } = await askForGrant(`${url}/authkit-token`);
    expect(Object.keys(body)).toEqual(['url', 'headers', 'expiresAt']);
    expect((await askForToken(body.url, body)).status).toBe(200);
  });

  it('pass an APP_GUARD of the app on the route that the app opens, and on no other', async () => {
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
    const closed = `${await start({ providers })}/authkit-token`;
    const { body } = await askForGrant(closed);
    expect((await askForToken(closed, body)).body.message).toBe('No session');

    const controller = { guards: [], tokenRouteDecorators: [Public()] };
    const open = `${await start({ providers, controller })}/authkit-token`;
    expect((await askForToken(open, body)).status).toBe(200);
    expect((await askForToken(open, { headers: {} })).body.reason).toBe(
      'unidentified',
    );
    expect((await askForGrant(open, { cookie: '' })).body.message).toBe(
      'No session',
    );
    // What the decorator said of one registration is not said of another.
    const again = `${await start({ providers })}/authkit-token`;
    expect((await askForToken(again, body)).body.message).toBe('No session');
  });

  it('wear the class decorators of the registration on both routes', async () => {
    const seen: string[] = [];
    const controller: AuthKitControllerOptions = {
      decorators: [({ name }) => void seen.push(name)],
    };
    await start({ controller });
    expect(seen).toHaveLength(2);
  });

  describe.each<[string, (app: INestApplication) => void]>([
    ['an app without CORS', () => {}],
    ['enableCors()', (app) => app.enableCors()],
    [
      'enableCors() that reflects every origin, with credentials',
      (app) => app.enableCors({ origin: true, credentials: true }),
    ],
    [
      'a global prefix and enableCors()',
      (app) => {
        app.setGlobalPrefix('api');
        app.enableCors({ origin: true, credentials: true });
      },
    ],
  ])('beside %s', (name, configure) => {
    it('are read by no page of another origin, not even by the widget', async () => {
      const prefix = name.includes('prefix') ? '/api' : '';
      const url = `${await start({}, configure)}${prefix}/authkit-token`;
      for (const origin of [WIDGET, 'https://evil.example']) {
        const answers = [
          await preflight(`${url}/grant`, { origin }),
          await askForGrant(url, { origin }),
          await askForGrant(url, { origin, 'sec-fetch-site': 'cross-site' }),
        ];
        for (const { headers } of answers) {
          const names = [...headers.keys()];
          expect(names.join()).not.toMatch(/access-control-/);
        }
      }
      expect((await preflight(url)).status).toBe(204);
      const { headers } = await askForToken(url, await askedBody(url));
      expect(headers.get('access-control-allow-origin')).toBe(WIDGET);
    });
  });

  const askedBody = async (url: string) => (await askForGrant(url)).body;

  it('are accepted where the authorization scheme is written differently', async () => {
    const url = `${await start()}/authkit-token`;
    const grant = grantOf(await askForGrant(url));
    for (const headers of [
      bearing(grant),
      { authorization: `bearer ${grant}` },
      { authorization: `BEARER  ${grant}` },
    ]) {
      expect((await askForToken(url, { headers })).status).toBe(200);
    }
    for (const authorization of [
      grant,
      `Basic ${grant}`,
      'Bearer',
      'Bearer ',
    ]) {
      const answer = await askForToken(url, { headers: { authorization } });
      expect(answer.status).toBe(401);
    }
  });
});
