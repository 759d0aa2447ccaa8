import {
  Injectable,
  SetMetadata,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { PLATFORMS, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import {
  preflight,
  readResponse,
  requestGrant,
  requestToken,
  WIDGET,
} from '../support/http.js';
import { captureWarnings } from '../support/mocks.js';

const PAGE = 'https://app.example';
const STRANGER = 'https://evil.example';

const pica = useEmulator({ integrations: 1 });

const Public = () => SetMetadata('public', true);

/** A guard of the whole app that knows session cookies alone. */
@Injectable()
class CookieGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest();
    if (Reflect.getMetadata('public', context.getHandler())) return true;
    if (!request.headers.cookie) throw new UnauthorizedException();
    return true;
  }
}

describe.each(PLATFORMS)('the log on %s', (platform) => {
  const start = (settings: Partial<Parameters<typeof startApp>[0]> = {}) =>
    startApp({
      pica,
      platform,
      options: { pageOrigins: [PAGE] },
      controller: { grants: true, connections: true },
      configure: (app) => app.setGlobalPrefix('api'),
      ...settings,
    });

  describe.each([
    ['without CORS of the app', false],
    ['with enableCors()', true],
  ])('%s', (_, hasCors) => {
    it.each([
      ['/api/authkit-token', 'allowedOrigins'],
      ['/api/authkit-token/grant', 'pageOrigins'],
      ['/api/authkit-connections', 'pageOrigins'],
    ])(
      'names origin, route and option once if a preflight of %s is refused',
      async (path, option) => {
        const { url } = await start({
          configure: (app) => {
            app.setGlobalPrefix('api');
            if (hasCors) app.enableCors();
          },
        });
        const warnings = captureWarnings();
        for (const origin of [STRANGER, STRANGER, 'https://other.example']) {
          await preflight(`${url}${path}`, { origin });
        }
        expect(warnings).toEqual(
          [STRANGER, 'https://other.example'].map((origin) =>
            expect.stringMatching(
              new RegExp(
                `of ${origin} .*${path} .*preflight.* to ${option}\\.`,
              ),
            ),
          ),
        );
      },
    );
  });

  it('does not mention preflights that are allowed', async () => {
    const { url } = await start();
    const warnings = captureWarnings();
    await preflight(`${url}/api/authkit-token`, { origin: WIDGET });
    await preflight(`${url}/api/authkit-connections`, { origin: PAGE });
    expect(warnings).toEqual([]);
  });

  it('does not mention preflights with `cors: false`, which the app answers', async () => {
    const { url } = await start({ controller: { cors: false } });
    const warnings = captureWarnings();
    await preflight(`${url}/api/authkit-token`, { origin: STRANGER });
    expect(warnings).toEqual([]);
  });

  it('has at most 20 warnings of preflights an hour', async () => {
    const { url } = await start();
    const warnings = captureWarnings();
    for (let index = 0; index < 40; index += 1) {
      const origin = `https://evil-${index}.example`;
      await preflight(`${url}/api/authkit-token`, { origin });
    }
    expect(warnings).toHaveLength(20);
  });

  it('names origin, route and allowedOrigins once if a request for a token is refused', async () => {
    const { url } = await start({ controller: {} });
    const warnings = captureWarnings();
    for (let count = 0; count < 2; count += 1) {
      const response = await requestToken(`${url}/api/authkit-token`, {
        origin: STRANGER,
      });
      expect(response.status).toBe(403);
      expect(response.text).not.toContain('allowedOrigins');
    }
    expect(warnings).toEqual([
      expect.stringMatching(
        /of https:\/\/evil\.example .*\/api\/authkit-token \(403\)\. .* to allowedOrigins\./,
      ),
    ]);
  });

  it.each(['authkit-token/grant', 'authkit-connections'])(
    'names credentials once if a page calls %s without its cookie',
    async (path) => {
      const { url } = await start();
      const warnings = captureWarnings();
      const call = async (headers: Record<string, string>) =>
        (
          await readResponse(
            await fetch(`${url}/api/${path}`, {
              method: path.endsWith('grant') ? 'POST' : 'GET',
              headers,
            }),
          )
        ).status;
      // A page of the same origin sends its cookies anyway, and a bearer needs none.
      expect(await call({})).toBe(401);
      expect(await call({ origin: PAGE, cookie: 'sid=' })).toBe(401);
      expect(await call({ origin: PAGE, authorization: 'Bearer x' })).toBe(401);
      expect(warnings.filter((line) => line.includes('credentials'))).toEqual(
        [],
      );
      expect(await call({ origin: PAGE })).toBe(401);
      expect(await call({ origin: PAGE })).toBe(401);
      expect(warnings.filter((line) => line.includes('credentials'))).toEqual([
        expect.stringMatching(
          new RegExp(
            `https://app\\.example called /api/${path} .*credentials: 'include'`,
          ),
        ),
      ]);
    },
  );

  it('names tokenRouteDecorators once if a guard of the whole app refuses a grant', async () => {
    const providers = [{ provide: APP_GUARD, useClass: CookieGuard }];
    const { url } = await start({ providers });
    const tokenUrl = `${url}/api/authkit-token`;
    const { body } = await requestGrant(tokenUrl);
    const warnings = captureWarnings();
    for (let count = 0; count < 2; count += 1) {
      const response = await requestToken(tokenUrl, { headers: body.headers });
      expect(response.status).toBe(401);
    }
    expect(warnings).toEqual([
      expect.stringMatching(
        /\/api\/authkit-token refused a grant \(401\).*APP_GUARD.*tokenRouteDecorators/,
      ),
    ]);
  });

  it('does not mention tokenRouteDecorators if the grant itself is refused, or the guard lets it pass', async () => {
    const providers = [{ provide: APP_GUARD, useClass: CookieGuard }];
    const { url } = await start({
      providers,
      controller: { grants: true, tokenRouteDecorators: [Public()] },
    });
    const tokenUrl = `${url}/api/authkit-token`;
    const { body } = await requestGrant(tokenUrl);
    const warnings = captureWarnings();
    const passed = await requestToken(tokenUrl, { headers: body.headers });
    expect(passed.status).toBe(200);
    const broken = body.headers.Authorization.slice(0, -8) + 'AAAAAAAA';
    const refused = await requestToken(tokenUrl, {
      headers: { authorization: broken },
    });
    expect(refused.status).toBe(401);
    expect(warnings.join()).not.toContain('tokenRouteDecorators');
  });
});
