import { bootError, PLATFORMS, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { readResponse } from '../support/http.js';

const pica = useEmulator();

const PAGE = 'https://app.example';
const STRANGER = 'https://evil.example';

const ROUTES = ['authkit-connections', 'authkit-token/grant'] as const;

describe.each(PLATFORMS)('the routes for pages on %s', (platform) => {
  const start = async () => {
    let guarded = 0;
    const { url } = await startApp({
      pica,
      platform,
      options: { pageOrigins: [PAGE] },
      controller: {
        guards: [
          {
            canActivate(context) {
              guarded += 1;
              const request = context.switchToHttp().getRequest();
              request.user = { id: request.headers['x-user'] };
              return true;
            },
          },
        ],
        grants: true,
        connections: true,
      },
      configure: (app) => app.enableCors({ origin: true, credentials: true }),
    });
    const request = async (
      method: string,
      route: string,
      headers: Record<string, string>,
      body?: string,
    ) =>
      readResponse(
        await fetch(`${url}/${route}`, {
          method,
          headers: { 'x-user': 'ada', ...headers },
          body,
        }),
      );
    return { request, guarded: () => guarded };
  };
  const method = (route: string) => (route.endsWith('grant') ? 'POST' : 'GET');

  it.each(ROUTES)(
    'answer a page of `pageOrigins` on %s with credentials, errors included',
    async (route) => {
      const { request } = await start();
      const from = { origin: PAGE, 'sec-fetch-site': 'cross-site' };
      const responses = [
        await request(method(route), route, from),
        await request(method(route), route, { ...from, 'x-user': '' }),
        await request(
          'POST',
          route,
          { ...from, 'content-type': 'application/json' },
          '{ not JSON',
        ),
      ];
      expect(responses.map(({ status }) => status)).toEqual([200, 401, 400]);
      for (const { headers } of responses) {
        expect(headers.get('access-control-allow-origin')).toBe(PAGE);
        expect(headers.get('access-control-allow-credentials')).toBe('true');
        expect(headers.get('access-control-expose-headers')).toBe(
          'Retry-After',
        );
        expect(headers.get('vary')).toMatch(/\bOrigin\b/);
        expect(headers.get('cache-control')).toBe('no-store');
      }
    },
  );

  it.each(ROUTES)(
    'answer the preflight of a page of `pageOrigins` on %s, and give a stranger no headers',
    async (route) => {
      const { request } = await start();
      const preflight = (origin: string) =>
        request('OPTIONS', route, {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
        });
      const page = await preflight(PAGE);
      expect(page.status).toBe(204);
      expect(page.headers.get('access-control-allow-methods')).toBe(
        route.endsWith('grant') ? 'POST' : 'GET,POST,PATCH,DELETE',
      );
      const stranger = await preflight(STRANGER);
      expect(stranger.status).toBe(204);
      const names = [...stranger.headers.keys()];
      expect(names.filter((name) => name.startsWith('access-control'))).toEqual(
        [],
      );
      expect(stranger.headers.get('vary')).toMatch(/\bOrigin\b/);
    },
  );

  describe.each(ROUTES)('on %s', (route) => {
    it.each<[number, Record<string, string>]>([
      [200, {}],
      [200, { 'sec-fetch-site': 'same-origin' }],
      [200, { 'sec-fetch-site': 'none' }],
      [200, { 'sec-fetch-site': 'cross-site', origin: PAGE }],
      [200, { 'sec-fetch-site': 'same-site', origin: PAGE }],
      [200, { origin: PAGE }],
      [403, { 'sec-fetch-site': 'cross-site' }],
      [403, { 'sec-fetch-site': 'same-site' }],
      [403, { 'sec-fetch-site': 'cross-site', origin: STRANGER }],
      [403, { 'sec-fetch-site': 'same-site', origin: STRANGER }],
      [403, { origin: STRANGER }],
      [403, { origin: 'null' }],
      [403, { 'sec-fetch-site': 'same-origin', origin: 'null' }],
      [403, { origin: `${PAGE}.evil.example` }],
      [403, { origin: 'HTTPS://APP.EXAMPLE' }],
    ])(
      'answer %d to %j, before the guards where it is 403',
      async (status, headers) => {
        const { request, guarded } = await start();
        const response = await request(method(route), route, headers);
        expect(response.status).toBe(status);
        expect(guarded()).toBe(status === 403 ? 0 : 1);
        if (headers.origin !== PAGE) {
          expect(response.headers.has('access-control-allow-origin')).toBe(
            false,
          );
        }
        expect(response.headers.get('vary')).toMatch(/\bOrigin\b/);
      },
    );
  });
});

describe('an app', () => {
  it.each([
    'http://app.example',
    'https://app.example/',
    'https://app.example:443',
    'HTTPS://app.example',
    '*',
    'null',
    'app.example',
  ])('does not boot with the page origin %s', async (origin) => {
    const error = await bootError({ options: { pageOrigins: [origin] } });
    expect(error?.message).toMatch(/pageOrigins: given/);
  });

  it.each([
    'https://app.example',
    'http://localhost:5173',
    'http://127.0.0.1',
    'capacitor://localhost',
  ])('boots with the page origin %s', async (origin) => {
    expect(
      await bootError({ options: { pageOrigins: [origin] } }),
    ).toBeUndefined();
  });
});
