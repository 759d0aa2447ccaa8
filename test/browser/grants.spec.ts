import { decodeJwt } from 'jose';
import { PLATFORMS } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { useBrowser, useRecorder, useSample } from './support/browser.js';
import { environmentFor } from './support/sample.js';
import type { Visitor } from './support/visitor.js';

const browser = useBrowser();
const pica = useEmulator();

describe.each(PLATFORMS)('a session of the sample on %s', (platform) => {
  /** The site of the vendor, which is another site than that of the app. */
  const vendor = useRecorder(() => pica.url, 'localhost');
  const sample = useSample(platform, () => ({
    ...environmentFor(pica),
    WIDGET_URL: vendor.url,
    AUTHKIT_ALLOWED_ORIGINS: vendor.url,
  }));
  const app = useRecorder(() => sample.url);
  let visitor: Visitor;

  beforeEach(async () => {
    visitor = await browser.visit(app.url);
    await visitor.signIn('Ada');
    await visitor.openWidget();
    await visitor.integrations('247 integrations');
  });

  /** The URL of the frame, and the data for the widget in it. */
  async function frameUrl() {
    const address = new URL((await visitor.frame.getAttribute('src'))!);
    const data = Buffer.from(address.searchParams.get('data')!, 'base64');
    return { address, data: data.toString() };
  }

  it('is in a cookie that scripts cannot read and browsers do not send to other sites', async () => {
    expect(await visitor.sessionCookie()).toMatchObject({
      httpOnly: true,
      sameSite: 'Lax',
      domain: '127.0.0.1',
    });
    const seen = await visitor.page.evaluate(
      '[document.cookie, JSON.stringify(sessionStorage), JSON.stringify(localStorage)]',
    );
    expect(seen).toEqual(['', '{}', '{}']);
  });

  it("does not reach the vendor's site: the URL of the widget has the grant, and neither the cookie nor its JWT", async () => {
    const { value } = await visitor.sessionCookie();
    const { address, data } = await frameUrl();
    const { linkTokenEndpoint, linkHeaders } = JSON.parse(data);
    expect(address.origin).toBe(vendor.url);
    expect(linkTokenEndpoint).toBe(`${app.url}/authkit-token`);
    expect(Object.keys(linkHeaders)).toEqual(['Authorization']);
    const grant = linkHeaders.Authorization.replace('Bearer ', '');
    expect(decodeJwt(grant)).toMatchObject({
      aud: '/authkit-token',
      sub: 'usr_1815',
    });

    // Nor in any later request, until there is a connection.
    await visitor.pick('Gmail');
    await visitor.press('Allow');
    await visitor.screen('Gmail is connected');
    const opened = vendor.to('/').find(({ method }) => method === 'GET')!;
    expect(opened.url).toBe(`${address.pathname}${address.search}`);
    const logs = JSON.stringify([vendor.requests, pica.requests, data]);
    expect(logs).toContain(grant);
    expect(logs).toContain('/v1/authkit');
    for (const part of ['sample_session', value, ...value.split('.').slice(1)])
      expect(logs).not.toContain(part);
    expect(visitor.consoleErrors).toEqual([]);
  });

  it('gets a grant, with which the widget gets a token after a preflight and without a cookie', async () => {
    const cookie = `sample_session=${(await visitor.sessionCookie()).value}`;
    const [grant, ...others] = app.to('/authkit-token/grant');
    expect(others).toEqual([]);
    expect(grant).toMatchObject({ method: 'POST', status: 200 });
    expect(grant!.headers).toMatchObject({
      cookie,
      'sec-fetch-site': 'same-origin',
    });
    expect(grant!.headers).not.toHaveProperty('authorization');

    const [preflight, token, ...more] = app.to('/authkit-token');
    expect(more).toEqual([]);
    const { data } = await frameUrl();
    expect(token).toMatchObject({ method: 'POST', status: 200 });
    expect(token!.headers).toMatchObject({
      authorization: JSON.parse(data).linkHeaders.Authorization,
      'content-type': 'application/json',
      origin: vendor.url,
      'sec-fetch-site': 'cross-site',
    });
    expect(token!.headers).not.toHaveProperty('cookie');

    expect(preflight).toMatchObject({ method: 'OPTIONS', status: 204 });
    expect(preflight!.headers).not.toHaveProperty('authorization');
    expect(preflight!.responseHeaders).toMatchObject({
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-allow-methods': 'POST',
    });
    for (const { responseHeaders } of [preflight!, token!]) {
      expect(responseHeaders).toMatchObject({
        'access-control-allow-origin': vendor.url,
      });
      expect(responseHeaders).not.toHaveProperty(
        'access-control-allow-credentials',
      );
    }
    // Other routes allow nothing.
    const origin = vendor.url;
    for (const path of ['/settings', '/auth/session']) {
      const elsewhere = await fetch(app.url + path, { headers: { origin } });
      expect(elsewhere.headers.has('access-control-allow-origin')).toBe(false);
    }
  });

  it('ends when the user signs out', async () => {
    await visitor.press('Close');
    await visitor.closed();
    await visitor.signOut();
    expect(await visitor.sessionCookie()).toBeUndefined();
    await visitor.page.reload();
    await visitor.connect();
    expect(await visitor.error()).toBe('Please sign in.');
  });
});
