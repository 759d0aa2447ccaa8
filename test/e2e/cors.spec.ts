import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module, type INestApplication } from '@nestjs/common';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { AuthKitModule } from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { createApp, PLATFORMS, runApp, stopApps } from '../support/run-app.js';
import { SignInGuard } from '../support/sign-in.guard.js';
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

const STRANGER = 'https://evil.example';
const FRIEND = 'https://friend.example';

/** What apps do about CORS on their own; the endpoint is to be the same beside all of it. */
const APPS: Record<string, (app: INestApplication) => void> = {
  'an app without CORS': () => {},
  'enableCors()': (app) => app.enableCors(),
  'enableCors() for another origin, with credentials': (app) =>
    app.enableCors({ origin: 'https://app.example', credentials: true }),
  'enableCors() that reflects every origin': (app) =>
    app.enableCors({ origin: true, credentials: true }),
  'a global prefix and enableCors({ origin: false })': (app) => {
    app.setGlobalPrefix('api');
    app.enableCors({ origin: false });
  },
};

describe.each(PLATFORMS)('CORS on %s', (platform) => {
  describe.each(Object.keys(APPS))('beside %s', (name) => {
    const start = async (cors = true) => {
      @Module({
        imports: [
          AuthKitModule.forRoot({
            secretKey: pica.secretKey,
            baseUrl: pica.url,
            allowedOrigins: [FRIEND],
            controller: { guards: [SignInGuard], cors },
          }),
        ],
      })
      class App {}
      const url = await runApp(platform, App, APPS[name]);
      return `${url}${name.includes('prefix') ? '/api' : ''}/authkit-token`;
    };

    it.each([WIDGET, FRIEND])(
      'lets %s call with any header, without cookies',
      async (origin) => {
        const headers = 'authorization,content-type,x-anything-at-all';
        const answer = await preflight(await start(), { origin, headers });
        expect(answer.status).toBe(204);
        expect(answer.text).toBe('');
        expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
        expect(answer.headers.get('access-control-allow-headers')).toBe(
          headers,
        );
        expect(answer.headers.get('access-control-allow-methods')).toContain(
          'POST',
        );
        expect(answer.headers.get('vary')).toMatch(/\bOrigin\b/);
        expect(answer.headers.has('access-control-allow-credentials')).toBe(
          false,
        );
        expect(pica.requests).toHaveLength(0);
      },
    );

    it('tells a stranger nothing', async () => {
      const url = await start();
      for (const answer of [
        await preflight(url, { origin: STRANGER }),
        await askForToken(url, { origin: STRANGER }),
        await askForToken(url, { origin: 'null' }),
      ]) {
        expect(answer.headers.has('access-control-allow-origin')).toBe(false);
        expect(answer.headers.has('access-control-allow-credentials')).toBe(
          false,
        );
        expect(answer.headers.get('vary')).toMatch(/\bOrigin\b/);
      }
    });

    it('tells a stranger nothing on another spelling of the path either', async () => {
      const url = await start();
      const { pathname, origin: base } = new URL(url);
      for (const path of [
        pathname.replace('-', '%2D'),
        pathname.replace('authkit', '%61uthkit'),
        pathname.toUpperCase(),
        `${pathname}/`,
      ]) {
        for (const answer of [
          await askForToken(base + path, { origin: STRANGER }),
          await preflight(base + path, { origin: STRANGER }),
        ]) {
          const isOurs = answer.headers.get('cache-control') === 'no-store';
          expect(
            isOurs && answer.headers.has('access-control-allow-origin'),
          ).toBe(false);
        }
      }
    });

    it('lets the widget read the token, and every error', async () => {
      const url = await start();
      const answers = [await askForToken(url)];
      pica.fault({ status: 401 });
      answers.push(
        await askForToken(url),
        await askForToken(url, { headers: {} }),
        await askForToken(url, { body: '{ not JSON' }),
      );
      expect(answers.map(({ status }) => status)).toEqual([200, 502, 401, 400]);
      for (const { headers, status, body } of answers) {
        expect(headers.get('access-control-allow-origin')).toBe(WIDGET);
        expect(headers.has('access-control-allow-credentials')).toBe(false);
        expect(headers.get('vary')).toMatch(/\bOrigin\b/);
        if (status !== 200) expect(typeof body.message).toBe('string');
      }
    });
  });

  it('leaves it all to the app with `cors: false`', async () => {
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: pica.secretKey,
          baseUrl: pica.url,
          controller: { guards: [SignInGuard], cors: false },
        }),
      ],
    })
    class App {}
    const url = await runApp(platform, App, (app) =>
      app.enableCors({ origin: STRANGER }),
    );
    const answer = await preflight(`${url}/authkit-token`);
    expect(answer.headers.get('access-control-allow-origin')).toBe(STRANGER);
    expect((await askForToken(`${url}/authkit-token`)).status).toBe(200);
  });

  it('settles a request that does not come through the server of Nest', async () => {
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: pica.secretKey,
          baseUrl: pica.url,
          controller: { guards: [SignInGuard] },
        }),
      ],
    })
    class App {}
    const app = await createApp(platform, App);
    app.enableCors({ origin: FRIEND, credentials: true });
    await app.init();
    const instance = app.getHttpAdapter().getInstance();
    await instance.ready?.();
    const server = createServer((request, response) =>
      instance.routing
        ? instance.routing(request, response)
        : instance(request, response),
    );
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const answer = await askForToken(`http://127.0.0.1:${port}/authkit-token`);
    server.closeAllConnections();
    server.close();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(WIDGET);
    expect(answer.headers.has('access-control-allow-credentials')).toBe(false);
  });

  it('keeps the CORS of the app on its other routes', async () => {
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: pica.secretKey,
          baseUrl: pica.url,
          controller: { guards: [SignInGuard] },
        }),
      ],
    })
    class App {}
    const url = await runApp(platform, App, (app) =>
      app.enableCors({ origin: FRIEND, credentials: true }),
    );
    const answer = await preflight(`${url}/my/authkit-token`);
    expect(answer.headers.get('access-control-allow-origin')).toBe(FRIEND);
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
  });
});
