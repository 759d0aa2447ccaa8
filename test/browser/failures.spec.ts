import { PLATFORMS } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { forge, GRANT_SECRET, now, OTHER_SECRET } from '../support/grants.js';
import { startSample, useBrowser, useSample } from './support/browser.js';
import { environmentFor } from './support/sample.js';
import type { Visitor } from './support/visitor.js';

/** Without its comma, which would separate two secrets in an environment variable. */
const SECRET = GRANT_SECRET.replaceAll(',', '');

const browser = useBrowser();
const pica = useEmulator();

describe.each(PLATFORMS)('the sample on %s', (platform) => {
  const sample = useSample(platform, () => ({
    ...environmentFor(pica),
    AUTHKIT_GRANT_SECRET: SECRET,
  }));

  /** Waits until the widget shows an error, instead of an empty list. */
  async function widgetError(visitor: Visitor, message: string): Promise<void> {
    await visitor.screen('The integrations cannot be shown');
    const text = await visitor.widget.getByRole('alert').textContent();
    expect(text).toBe(message);
    expect(await visitor.widget.locator('.list').count()).toBe(0);
  }

  it('asks to sign in and opens no widget when no user is signed in', async () => {
    const visitor = await browser.visit(sample.url);
    await visitor.connect();
    expect(await visitor.error()).toBe('Please sign in.');
    expect(await visitor.frame.count()).toBe(0);
    expect(pica.requests.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  it('asks to sign in and opens no widget when the session has ended', async () => {
    const visitor = await browser.visit(sample.url);
    await visitor.signIn('Ada');
    await visitor.connections();
    await visitor.context.clearCookies();
    const before = pica.requests.length;
    await visitor.connect();
    expect(await visitor.error()).toBe('Please sign in.');
    expect(await visitor.frame.count()).toBe(0);
    expect(pica.requests).toHaveLength(before);
    // The page has noticed that nobody is signed in.
    await visitor.signIn('Grace');
    await visitor.openWidget();
    await visitor.integrations('12 integrations');
  });

  it.each([
    {
      name: 'has expired',
      message: 'The grant has expired. Please open the dialog again.',
      grant: () => forge({ exp: now() - 60 }, { secret: SECRET }),
    },
    {
      name: 'has another signature',
      message: 'The grant is not valid. Please open the dialog again.',
      grant: () => forge({}, { secret: OTHER_SECRET }),
    },
    {
      name: 'has the audience of another endpoint',
      message:
        'This dialog could not be opened. Please close it and try again.',
      grant: () => forge({ aud: '/elsewhere' }, { secret: SECRET }),
    },
  ])(
    'shows the message of the 401 in the widget when the grant $name',
    async ({ message, grant }) => {
      const visitor = await browser.visit(sample.url);
      await visitor.signIn('Ada');
      await visitor.overrideGrant(await grant());
      await visitor.openWidget();
      await widgetError(visitor, message);
      expect(pica.requests.map(({ path }) => path)).not.toContain(
        '/v1/authkit',
      );
    },
  );

  it('shows the message of the 502 in the widget while the upstream is down, and the integrations after a retry', async () => {
    const visitor = await browser.visit(sample.url);
    await visitor.signIn('Ada');
    const down = pica.fault({ path: '/v1/authkit', status: 503 });
    const response = visitor.page.waitForResponse(
      (response) =>
        response.url().endsWith('/authkit-token') && response.status() === 502,
    );
    await visitor.openWidget();
    const { message } = (await (await response).json()) as { message: string };
    expect(message).toMatch(/\w+ \w+/);
    await widgetError(visitor, message);

    down.remove();
    await visitor.press('Try again');
    expect(await visitor.integrations('247 integrations')).toHaveLength(247);
  });

  it('shows an error instead of an empty list when the connections cannot be fetched', async () => {
    const visitor = await browser.visit(sample.url);
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

  it('removes the frame of the widget when the user presses Close or Escape', async () => {
    const visitor = await browser.visit(sample.url);
    await visitor.signIn('Ada');
    await visitor.openWidget();
    await visitor.integrations('247 integrations');
    await visitor.press('Close');
    await visitor.closed();
    await visitor.openWidget();
    await visitor.integrations('247 integrations');
    // Even after a click on an element that cannot have the focus.
    await visitor.widget.getByText('247 integrations').click();
    await visitor.page.keyboard.press('Escape');
    await visitor.closed();
    expect(await visitor.events(2)).toEqual(['onClose', 'onClose']);
    expect(pica.connections).toEqual([]);
  });

  it('lets the browser block the request for a token when the origin of the widget is not allowed', async () => {
    const { url } = await startSample(platform, {
      ...environmentFor(pica),
      AUTHKIT_ALLOWED_ORIGINS: 'http://127.0.0.1:9',
    });
    const visitor = await browser.visit(url);
    await visitor.signIn('Ada');
    await visitor.openWidget();
    await widgetError(visitor, 'The token endpoint cannot be reached.');
    expect(visitor.consoleErrors.join('\n')).toMatch(/blocked by CORS policy/);
    // The connections of the page are requested, but no token.
    expect(pica.requests.map(({ path }) => path)).not.toContain('/v1/authkit');
  });
});
