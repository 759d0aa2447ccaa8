import { PLATFORMS, startApp } from '../support/app.js';
import { readResponse, requestGrant } from '../support/http.js';
import { captureWarnings } from '../support/mocks.js';

/** Requests a grant with the user's cookie and no other headers than those given. */
const post = async (tokenUrl: string, headers: Record<string, string>) =>
  readResponse(
    await fetch(`${tokenUrl}/grant`, {
      method: 'POST',
      headers: { cookie: 'sid=ada', ...headers },
    }),
  );

describe.each(PLATFORMS)('the grant route on %s', (platform) => {
  const start = (grant: { url?: string } = {}, trustProxy = false) =>
    startApp({
      platform,
      options: { grant },
      controller: { grants: true },
      trustProxy,
    });

  it.each(['same-origin', 'none'])(
    'answers 200 when Sec-Fetch-Site is "%s", whatever the Origin',
    async (site) => {
      const { url, tokenUrl } = await start();
      // A proxy may have changed the host, so that the browser knows better.
      for (const origin of [url, 'https://app.example']) {
        const headers = { 'sec-fetch-site': site, origin };
        expect((await post(tokenUrl, headers)).status).toBe(200);
      }
    },
  );

  it.each(['cross-site', 'same-site', 'same-origin, same-origin', ''])(
    'answers 403 without a grant when Sec-Fetch-Site is "%s"',
    async (site) => {
      const { url, tokenUrl } = await start();
      const headers = { 'sec-fetch-site': site, origin: url };
      const response = await post(tokenUrl, headers);
      expect(response.status).toBe(403);
      expect(response.body).toMatchObject({
        statusCode: 403,
        message: expect.stringMatching(/^This page may not connect/),
      });
      expect(response.text).not.toContain('Bearer');
      expect(response.headers.get('cache-control')).toBe('no-store');
    },
  );

  it('compares the Origin with its own host when Sec-Fetch-Site is missing', async () => {
    const { url, tokenUrl } = await start();
    const { host, port, hostname } = new URL(url);
    const statusFor = async (origin: string) =>
      (await post(tokenUrl, { origin })).status;
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

  it('takes X-Forwarded-Host for its own host only when the app trusts the proxy', async () => {
    const headers = {
      origin: 'https://app.example',
      'x-forwarded-host': 'app.example',
    };
    const trusting = await start({}, true);
    expect((await post(trusting.tokenUrl, headers)).status).toBe(200);
    const distrusting = await start();
    expect((await post(distrusting.tokenUrl, headers)).status).toBe(403);
  });

  it('takes the host of `grant.url` for its own', async () => {
    const { tokenUrl } = await start({
      url: 'https://app.example/api/authkit-token',
    });
    const statusFor = async (origin: string) =>
      (await post(tokenUrl, { origin })).status;
    expect(await statusFor('https://app.example')).toBe(200);
    expect(await statusFor('https://app.example:8443')).toBe(403);
  });

  it('answers 200 when the client sends neither Sec-Fetch-Site nor Origin, as clients that are no browsers', async () => {
    const { tokenUrl } = await start();
    expect((await post(tokenUrl, {})).status).toBe(200);
  });

  it('answers a cross-site request with 403 before the guard of the app runs', async () => {
    const { tokenUrl } = await start();
    const response = await requestGrant(tokenUrl, {
      cookie: '',
      'sec-fetch-site': 'cross-site',
    });
    expect(response.status).toBe(403);
  });

  it('logs one warning for each origin that it refuses, with the origin and the option pageOrigins', async () => {
    const { tokenUrl } = await start();
    const warnings = captureWarnings();
    for (const origin of [
      'https://spa.example',
      'https://evil.example',
      'https://spa.example',
      'null',
    ]) {
      expect((await post(tokenUrl, { origin })).status).toBe(403);
    }
    await post(tokenUrl, { 'sec-fetch-site': 'cross-site' });
    expect(warnings).toEqual([
      expect.stringMatching(/page of https:\/\/spa\.example .*pageOrigins/),
      expect.stringMatching(/page of https:\/\/evil\.example .*pageOrigins/),
      expect.stringMatching(/page of null .*pageOrigins/),
      expect.stringMatching(/page without an Origin .*pageOrigins/),
    ]);
  });

  it('logs at most 20 warnings when requests come from 100 origins, and nothing of an origin but scheme, host and port', async () => {
    const { tokenUrl } = await start();
    const warnings = captureWarnings();
    await post(tokenUrl, { origin: 'https://ada:secret@evil.example/secret' });
    for (let index = 0; index < 100; index += 1) {
      await post(tokenUrl, { origin: `https://evil-${index}.example` });
    }
    expect(warnings).toHaveLength(20);
    expect(warnings.join()).not.toContain('secret');
  });
});
