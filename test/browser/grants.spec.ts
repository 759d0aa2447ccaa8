import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import { decodeJwt } from 'jose';
import { PicaEmulator } from 'nestjs-pica-authkit/testing';
import type { Browser } from 'playwright-core';
import { PLATFORMS } from '../support/run-app.js';
import { startChromium } from './support/chromium.js';
import { Recorder } from './support/recorder.js';
import { Sample, settingsFor } from './support/sample.js';
import { Visitor } from './support/visitor.js';

let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser?.close());

describe.each(PLATFORMS)('a session, with the sample on %s', (platform) => {
  let pica: PicaEmulator;
  /** What the vendor's site receives, which is another site than the app's. */
  let vendor: Recorder;
  let sample: Sample;
  /** What the app receives. */
  let app: Recorder;
  let visitor: Visitor;

  beforeAll(async () => {
    pica = await PicaEmulator.start();
    vendor = await Recorder.start(pica.url, 'localhost');
    sample = await Sample.start(platform, {
      ...settingsFor(pica),
      WIDGET_URL: vendor.url,
      AUTHKIT_ALLOWED_ORIGINS: vendor.url,
    });
    app = await Recorder.start(sample.url);
  });
  beforeEach(async () => {
    for (const { requests } of [vendor, app]) requests.length = 0;
    pica.reset();
    visitor = await Visitor.arrive(browser, app.url);
    await visitor.signIn('Ada');
    await visitor.openWidget();
    await visitor.integrations('247 integrations');
  });
  afterEach(() => visitor?.leave());
  afterAll(async () => {
    await sample?.stop();
    await app?.stop();
    await vendor?.stop();
    await pica?.stop();
  });

  /** The vendor's URL as the page opens it, and what it holds for the widget. */
  async function handedOver() {
    const address = new URL((await visitor.frame.getAttribute('src'))!);
    const data = Buffer.from(address.searchParams.get('data')!, 'base64');
    return { address, data: data.toString() };
  }

  it('is in a cookie that no script reads and no other site is sent', async () => {
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

  it("stays at home: the vendor's URL holds the grant, and neither the cookie nor its JWT", async () => {
    const { value } = await visitor.sessionCookie();
    const { address, data } = await handedOver();
    const { linkTokenEndpoint, linkHeaders } = JSON.parse(data);
    expect(address.origin).toBe(vendor.url);
    expect(linkTokenEndpoint).toBe(`${app.url}/authkit-token`);
    expect(Object.keys(linkHeaders)).toEqual(['Authorization']);
    const grant = linkHeaders.Authorization.replace('Bearer ', '');
    expect(decodeJwt(grant)).toMatchObject({
      aud: '/authkit-token',
      sub: 'usr_1815',
    });

    // To the last connection made, nothing of the session comes to the vendor, on whatever way.
    await visitor.pick('Gmail');
    await visitor.press('Allow');
    await visitor.screen('Gmail is connected');
    const opened = vendor.at('/').find(({ method }) => method === 'GET')!;
    expect(opened.url).toBe(`${address.pathname}${address.search}`);
    const logs = JSON.stringify([vendor.requests, pica.requests, data]);
    expect(logs).toContain(grant);
    expect(logs).toContain('/v1/authkit');
    for (const part of ['sample_session', value, ...value.split('.').slice(1)])
      expect(logs).not.toContain(part);
    expect(visitor.complaints).toEqual([]);
  });

  it('fetches the grant, with which the widget gets the token, without a cookie and after a preflight', async () => {
    const cookie = `sample_session=${(await visitor.sessionCookie()).value}`;
    const [asked, ...others] = app.at('/authkit-token/grant');
    expect(others).toEqual([]);
    expect(asked).toMatchObject({ method: 'POST', status: 200 });
    expect(asked!.headers).toMatchObject({
      cookie,
      'sec-fetch-site': 'same-origin',
    });
    expect(asked!.headers).not.toHaveProperty('authorization');

    const [preflight, token, ...more] = app.at('/authkit-token');
    expect(more).toEqual([]);
    const { data } = await handedOver();
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
    expect(preflight!.answerHeaders).toMatchObject({
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-allow-methods': 'POST',
    });
    for (const { answerHeaders } of [preflight!, token!]) {
      expect(answerHeaders).toMatchObject({
        'access-control-allow-origin': vendor.url,
      });
      expect(answerHeaders).not.toHaveProperty(
        'access-control-allow-credentials',
      );
    }
    // Elsewhere nothing is allowed: not to the widget, and least of all the grants.
    const origin = vendor.url;
    for (const path of ['/settings', '/auth/session']) {
      const elsewhere = await fetch(app.url + path, { headers: { origin } });
      expect(elsewhere.headers.has('access-control-allow-origin')).toBe(false);
    }
  });

  it('ends when its user signs out', async () => {
    await visitor.press('Close');
    await visitor.gone();
    await visitor.signOut();
    expect(await visitor.sessionCookie()).toBeUndefined();
    await visitor.page.reload();
    await visitor.connect();
    expect(await visitor.error()).toBe('Please sign in.');
  });
});
