import { Injectable } from '@nestjs/common';
import { PLATFORMS, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { SessionGuard } from '../support/guards.js';
import {
  ONE_WIDGET,
  readResponse,
  requestGrant,
  requestToken,
  WIDGET,
} from '../support/http.js';
import type { AuthKitControllerOptions } from '../../lib/index.js';

const FRIEND = 'https://friend.example';
const STRANGER = 'https://evil.example';
/** A session cookie with `SameSite=None`, which any site's request carries. */
const COOKIE = { cookie: 'sid=ada' };

const pica = useEmulator({ integrations: 1 });

let guarded: number;
beforeEach(() => void (guarded = 0));

@Injectable()
class CountingGuard extends SessionGuard {
  override canActivate(
    ...args: Parameters<SessionGuard['canActivate']>
  ): boolean {
    guarded += 1;
    return super.canActivate(...args);
  }
}

describe.each(PLATFORMS)('the token route on %s', (platform) => {
  const start = (
    controller: AuthKitControllerOptions = {},
    { trustProxy = false, pageOrigins = [] as string[] } = {},
  ) =>
    startApp({
      pica,
      platform,
      trustProxy,
      options: { allowedOrigins: [FRIEND], pageOrigins },
      controller: { guards: [CountingGuard], ...controller },
    });

  describe.each([
    ['without grants', {}],
    ["with grants: 'optional'", { grants: 'optional' }],
    ['with cors: false', { cors: false }],
  ] as const)('%s', (_name, controller) => {
    it.each([
      STRANGER,
      'null',
      'https://authkit.picaos.com.evil.example',
      'http://authkit.picaos.com',
      ONE_WIDGET,
      'https://app.friend.example',
      'not an origin',
    ])(
      'refuses %s with 403 before the guards, and calls nobody',
      async (origin) => {
        const { tokenUrl } = await start(controller);
        const response = await requestToken(tokenUrl, {
          origin,
          headers: COOKIE,
        });
        expect(response.status).toBe(403);
        expect(response.body).toMatchObject({
          statusCode: 403,
          message: expect.stringMatching(/^This page may not connect/),
        });
        expect(response.headers.get('cache-control')).toBe('no-store');
        expect(response.headers.has('access-control-allow-origin')).toBe(false);
        expect(guarded).toBe(0);
        expect(pica.requests).toHaveLength(0);
      },
    );

    it('accepts the widget, the allowedOrigins, its own pages and clients that are no browsers', async () => {
      const { url, tokenUrl } = await start(controller);
      for (const origin of [WIDGET, FRIEND, url]) {
        const response = await requestToken(tokenUrl, {
          origin,
          headers: { ...COOKIE, 'sec-fetch-site': 'cross-site' },
        });
        const isOwn = origin === url;
        // The browser says that a page with the app's own host is another site.
        expect([origin, response.status]).toEqual([origin, isOwn ? 403 : 200]);
      }
      const own = [
        { origin: url },
        { origin: url, 'sec-fetch-site': 'same-origin' },
        // A proxy may have changed the host, so that the browser knows better.
        { origin: 'https://app.example', 'sec-fetch-site': 'same-origin' },
        {},
      ];
      for (const headers of own) {
        const response = await readResponse(
          await fetch(tokenUrl, {
            method: 'POST',
            headers: { ...COOKIE, ...headers } as Record<string, string>,
          }),
        );
        expect([headers, response.status]).toEqual([headers, 200]);
      }
      expect(guarded).toBe(6);
    });
  });

  it('takes X-Forwarded-Host for its own host only when the app trusts the proxy', async () => {
    const request = {
      origin: 'https://app.example',
      headers: { ...COOKIE, 'x-forwarded-host': 'app.example' },
    };
    const trusting = await start({}, { trustProxy: true });
    expect((await requestToken(trusting.tokenUrl, request)).status).toBe(200);
    const distrusting = await start();
    expect((await requestToken(distrusting.tokenUrl, request)).status).toBe(
      403,
    );
  });

  it('does not accept the pageOrigins, whose pages cannot read a token', async () => {
    const page = 'https://app.example';
    const { tokenUrl } = await start({}, { pageOrigins: [page] });
    const response = await requestToken(tokenUrl, {
      origin: page,
      headers: COOKIE,
    });
    expect(response.status).toBe(403);
  });

  it.each([true, 'optional'] as const)(
    'accepts a grant from any origin with grants: %j',
    async (grants) => {
      const { tokenUrl } = await start({ grants });
      const { body } = await requestGrant(tokenUrl);
      const response = await requestToken(tokenUrl, {
        origin: STRANGER,
        headers: body.headers,
      });
      expect(response.status).toBe(200);
      expect(response.headers.has('access-control-allow-origin')).toBe(false);
    },
  );
});
