import { Module } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AuthKitModule } from '../../lib/index.js';
import { askForGrant, SECRET } from '../support/grants.js';
import { PLATFORMS, runApp, stopApps } from '../support/run-app.js';
import { SessionGuard } from '../support/session.guard.js';
import { read } from '../support/widget.js';

afterEach(stopApps);

/** Asks with the user's cookie and nothing but the given headers beside it. */
const ask = async (url: string, headers: Record<string, string>) =>
  read(
    await fetch(`${url}/authkit-token/grant`, {
      method: 'POST',
      headers: { cookie: 'sid=ada', ...headers },
    }),
  );

describe.each(PLATFORMS)('the grant route on %s', (platform) => {
  const start = (
    grant: { url?: string } = {},
    settings: { trustProxy?: boolean } = {},
  ) => {
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: 'sk_test_1',
          grant: { secret: SECRET, ...grant },
          controller: { guards: [SessionGuard], grants: true },
        }),
      ],
    })
    class App {}
    return runApp(platform, App, undefined, settings);
  };

  it.each(['same-origin', 'none'])(
    'answers a browser that says Sec-Fetch-Site: %s',
    async (site) => {
      const url = await start();
      // A proxy may have changed the host: the browser knows better.
      for (const origin of [url, 'https://app.example']) {
        const answer = await ask(url, { 'sec-fetch-site': site, origin });
        expect(answer.status).toBe(200);
      }
    },
  );

  it.each(['cross-site', 'same-site', 'same-origin, same-origin', ''])(
    'refuses a browser that says Sec-Fetch-Site: %s',
    async (site) => {
      const url = await start();
      const answer = await ask(url, { 'sec-fetch-site': site, origin: url });
      expect(answer.status).toBe(403);
      expect(answer.body).toMatchObject({
        statusCode: 403,
        message: expect.stringMatching(/same origin.*trust proxy.*grant\.url/),
      });
      expect(answer.text).not.toContain('Bearer');
      expect(answer.headers.get('cache-control')).toBe('no-store');
    },
  );

  it('goes by the origin where the browser does not say', async () => {
    const url = await start();
    const { host, port, hostname } = new URL(url);
    const statusFor = async (origin: string) =>
      (await ask(url, { origin })).status;
    expect(await statusFor(url)).toBe(200);
    // TLS may end before the app.
    expect(await statusFor(`https://${host}`)).toBe(200);
    for (const origin of [
      'https://evil.example',
      `http://${hostname}:${Number(port) + 1}`,
      `http://${hostname}`,
      `http://${host}.evil.example`,
      'null',
      '',
      'file://',
    ]) {
      expect([origin, await statusFor(origin)]).toEqual([origin, 403]);
    }
  });

  it('takes the host that a trusted proxy was asked for as its own, and no other proxy’s', async () => {
    const headers = {
      origin: 'https://app.example',
      'x-forwarded-host': 'app.example',
    };
    expect(
      (await ask(await start({}, { trustProxy: true }), headers)).status,
    ).toBe(200);
    expect((await ask(await start(), headers)).status).toBe(403);
  });

  it('takes the host of `grant.url` as its own', async () => {
    const url = await start({ url: 'https://app.example/api/authkit-token' });
    const statusFor = async (origin: string) =>
      (await ask(url, { origin })).status;
    expect(await statusFor('https://app.example')).toBe(200);
    expect(await statusFor('https://app.example:8443')).toBe(403);
  });

  it('answers clients that are no browsers', async () => {
    expect((await ask(await start(), {})).status).toBe(200);
  });

  it('refuses strangers before it asks who they are', async () => {
    const url = await start();
    const answer = await askForGrant(`${url}/authkit-token`, {
      cookie: '',
      'sec-fetch-site': 'cross-site',
    });
    expect(answer.status).toBe(403);
  });
});
