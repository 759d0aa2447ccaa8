import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { PicaEmulator } from 'nestjs-pica-authkit/testing';
import type { Browser } from 'playwright-core';
import { forge, GRANT_SECRET, now, OTHER_SECRET } from '../support/grants.js';
import { PLATFORMS } from '../support/run-app.js';
import { startChromium } from './support/chromium.js';
import { Sample, settingsFor } from './support/sample.js';
import { Visitor } from './support/visitor.js';

/** Known to the test, which makes grants of its own: without the comma, which would separate two. */
const SECRET = GRANT_SECRET.replaceAll(',', '');

let browser: Browser;
let pica: PicaEmulator;
beforeAll(async () => {
  browser = await startChromium();
  pica = await PicaEmulator.start();
});
afterEach(() => pica.reset());
afterAll(async () => {
  await browser?.close();
  await pica?.stop();
});

describe.each(PLATFORMS)('failing, with the sample on %s', (platform) => {
  let sample: Sample;
  let visitor: Visitor;
  beforeAll(async () => {
    sample = await Sample.start(platform, {
      ...settingsFor(pica),
      AUTHKIT_GRANT_SECRET: SECRET,
    });
  });
  afterEach(() => visitor?.leave());
  afterAll(() => sample?.stop());

  /** The widget says this, and does not look as if there were just nothing to connect. */
  async function widgetSays(message: string): Promise<void> {
    await visitor.screen('The integrations cannot be shown');
    const text = await visitor.widget.getByRole('alert').textContent();
    expect(text).toBe(message);
    expect(await visitor.widget.locator('.list').count()).toBe(0);
  }

  it('asks who is signed out to sign in, and opens no widget', async () => {
    visitor = await Visitor.arrive(browser, sample.url);
    await visitor.connect();
    expect(await visitor.error()).toBe('Please sign in.');
    expect(await visitor.frame.count()).toBe(0);
    expect(pica.requests).toHaveLength(0);
  });

  it('asks to sign in again where the session has ended meanwhile', async () => {
    visitor = await Visitor.arrive(browser, sample.url);
    await visitor.signIn('Ada');
    await visitor.connections();
    await visitor.context.clearCookies();
    const before = pica.requests.length;
    await visitor.connect();
    expect(await visitor.error()).toBe('Please sign in.');
    expect(await visitor.frame.count()).toBe(0);
    expect(pica.requests).toHaveLength(before);
    // Signed out is also what the page shows then; the way back leads on.
    await visitor.signIn('Grace');
    await visitor.openWidget();
    await visitor.integrations('247 integrations');
  });

  it.each([
    {
      what: 'has expired',
      says: 'The grant has expired. Please open the dialog again.',
      grant: () => forge({ exp: now() - 60 }, { secret: SECRET }),
    },
    {
      what: 'was signed by somebody else',
      says: 'The grant is not valid. Please open the dialog again.',
      grant: () => forge({}, { secret: OTHER_SECRET }),
    },
    {
      what: 'was made for another endpoint',
      says: 'The grant was made for another endpoint. Please open the dialog again.',
      grant: () => forge({ aud: '/elsewhere' }, { secret: SECRET }),
    },
  ])(
    'shows the message of the 401 for a grant that $what',
    async ({ says, grant }) => {
      visitor = await Visitor.arrive(browser, sample.url);
      await visitor.signIn('Ada');
      await visitor.keepGrant(await grant());
      await visitor.openWidget();
      await widgetSays(says);
      expect(pica.requests.map(({ path }) => path)).not.toContain(
        '/v1/authkit',
      );
    },
  );

  it('shows the message of the 502 while Pica is down, and goes on once it is up', async () => {
    visitor = await Visitor.arrive(browser, sample.url);
    await visitor.signIn('Ada');
    const down = pica.fault({ path: '/v1/authkit', status: 503 });
    const answered = visitor.page.waitForResponse(
      (response) =>
        response.url().endsWith('/authkit-token') && response.status() === 502,
    );
    await visitor.openWidget();
    const { message } = (await (await answered).json()) as { message: string };
    expect(message).toMatch(/\w+ \w+/);
    await widgetSays(message);

    down.remove();
    await visitor.press('Try again');
    expect(await visitor.integrations('247 integrations')).toHaveLength(247);
  });

  it('says on the page that connections cannot be listed, rather than that there are none', async () => {
    visitor = await Visitor.arrive(browser, sample.url);
    pica.fault({ path: '/v1/vault/connections', status: 500 });
    await visitor.signIn('Ada');
    await visitor.connections();
    expect(await visitor.error()).toBe(
      'The integration service is not available at the moment. Please try again.',
    );
    expect(await visitor.page.locator('#no-connections').isVisible()).toBe(
      false,
    );
  });

  it('closes with the cross and with Escape, and the frame is gone', async () => {
    visitor = await Visitor.arrive(browser, sample.url);
    await visitor.signIn('Ada');
    await visitor.openWidget();
    await visitor.integrations('247 integrations');
    await visitor.press('Close');
    await visitor.gone();
    await visitor.openWidget();
    await visitor.integrations('247 integrations');
    // Also after a click on what cannot have the focus.
    await visitor.widget.getByText('247 integrations').click();
    await visitor.page.keyboard.press('Escape');
    await visitor.gone();
    expect(await visitor.events(2)).toEqual(['onClose', 'onClose']);
    expect(pica.connections).toEqual([]);
  });
});

describe.each(PLATFORMS)(
  'on %s, a widget whose origin is not allowed',
  (platform) => {
    it('is refused by the browser', async () => {
      const sample = await Sample.start(platform, {
        ...settingsFor(pica),
        AUTHKIT_ALLOWED_ORIGINS: 'http://127.0.0.1:9',
      });
      const visitor = await Visitor.arrive(browser, sample.url);
      try {
        await visitor.signIn('Ada');
        await visitor.openWidget();
        await visitor.screen('The integrations cannot be shown');
        expect(await visitor.widget.getByRole('alert').textContent()).toBe(
          'The token endpoint cannot be reached.',
        );
        expect(visitor.complaints.join('\n')).toMatch(/blocked by CORS policy/);
        // The page itself has asked for connections; the preflight let no token request through.
        expect(pica.requests.map(({ path }) => path)).not.toContain(
          '/v1/authkit',
        );
      } finally {
        await visitor.leave();
        await sample.stop();
      }
    });
  },
);
