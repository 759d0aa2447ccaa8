import { useEmulator } from '../support/emulator.js';
import { startSample, useBrowser, useSample } from './support/browser.js';
import { environmentFor } from './support/sample.js';
import type { Visitor } from './support/visitor.js';

const browser = useBrowser();
const pica = useEmulator();
const sample = useSample('Express', () => environmentFor(pica));
let visitor: Visitor;

beforeEach(async () => {
  visitor = await browser.visit(sample.url);
  await visitor.signIn('Ada');
});

/** Opens the widget with settings that the page of the sample does not use. */
async function openWith(settings: Record<string, unknown>): Promise<void> {
  await visitor.page
    .evaluate(`import('/authkit.js').then(async ({ useAuthKit }) => {
    const token = await fetch('/authkit-token/grant', { method: 'POST' }).then((r) => r.json());
    window.connected = new Promise((onSuccess) =>
      useAuthKit({ baseUrl: '${pica.url}', token, onSuccess, ...${JSON.stringify(settings)} }).open());
    })`);
  await visitor.frame.waitFor({ state: 'visible' });
}

/** Runs in the browser, whose globals have no types here. */
function colorSchemeOf(element: unknown): string {
  const { getComputedStyle } = globalThis as unknown as {
    getComputedStyle(element: unknown): { colorScheme: string };
  };
  return getComputedStyle(element).colorScheme;
}

describe('the emulated widget', () => {
  it('shows the title, the company and the theme that the page sets', async () => {
    await openWith({
      title: 'Bring your tools',
      companyName: 'Acme',
      appTheme: 'dark',
    });
    await visitor.screen('Bring your tools');
    await visitor.widget
      .getByText('Pick what Acme should work with.')
      .waitFor();
    const dialog = visitor.widget.getByRole('dialog', {
      name: 'Bring your tools',
    });
    expect(await dialog.evaluate(colorSchemeOf)).toBe('dark');
  });

  it('opens the integration that the page selects', async () => {
    await openWith({ selectedConnection: 'HubSpot', showNameInput: true });
    await visitor.screen('This app asks for access to HubSpot');
    await visitor.widget.getByLabel('Name of the connection').fill('My CRM');
    await visitor.press('Allow');
    await visitor.screen('HubSpot is connected');
    expect(pica.connections).toMatchObject([
      { platform: 'hubspot', name: 'My CRM', identity: 'usr_1815' },
    ]);
    // onSuccess of the page has the connection of the emulator.
    expect(await visitor.page.evaluate('window.connected')).toEqual(
      JSON.parse(JSON.stringify(pica.connections[0])),
    );
  });

  it('can be used with the keyboard alone', async () => {
    const { keyboard } = visitor.page;
    await visitor.openWidget();
    await visitor.integrations('247 integrations');
    await keyboard.type('notion');
    await visitor.integrations('1 of 247');
    await keyboard.press('Enter');
    await visitor.screen('Sample Inc. asks for access to Notion');
    await keyboard.press('Shift+Tab');
    await keyboard.press('Enter');
    await visitor.screen('Notion is not connected');
    await keyboard.press('Tab');
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await visitor.screen('Sample Inc. asks for access to Notion');
    await keyboard.press('Enter');
    await visitor.screen('Notion is connected');
    await keyboard.press('Enter');
    await visitor.closed();
    expect(await visitor.events(3)).toEqual([
      'onError',
      'onSuccess',
      'onClose',
    ]);
  });

  it('keeps the focus inside, so that Tab does not reach the page behind it', async () => {
    await visitor.openWidget();
    await visitor.integrations('247 integrations');
    await visitor.search('xero');
    await visitor.integrations('1 of 247');
    const stops = [];
    for (let i = 0; i < 4; i++) {
      await visitor.page.keyboard.press('Tab');
      stops.push(await visitor.widget.locator(':focus').getAttribute('class'));
    }
    expect(stops).toEqual(['entry', 'close', 'search', 'entry']);
  });

  it('asks for an API key when the integration has no scopes, and does not store it', async () => {
    const { title } = pica.rows.find(({ scopes }) => scopes === '')!;
    await visitor.openWidget();
    await visitor.integrations('247 integrations');
    await visitor.search(title!);
    await visitor.pick(title!);
    await visitor.widget.getByLabel(`API key of ${title}`).fill('invalid');
    await visitor.press('Connect');
    await visitor.screen(`${title} is not connected`);
    await visitor.press('Try again');
    await visitor.widget.getByLabel(`API key of ${title}`).fill('sk_of_ada');
    await visitor.press('Connect');
    await visitor.screen(`${title} is connected`);
    expect(await visitor.events(2)).toEqual(['onError', 'onSuccess']);
    expect(JSON.stringify(pica.connections)).not.toContain('sk_of_ada');
    expect(JSON.stringify(pica.requests)).not.toContain('sk_of_ada');
  });

  it('requests a new token when the emulator does not know the old one', async () => {
    await visitor.openWidget();
    await visitor.integrations('247 integrations');
    await visitor.pick('Stripe');
    await visitor.screen('Sample Inc. asks for access to Stripe');
    pica.reset();
    await visitor.press('Allow');
    await visitor.screen('Stripe is not connected');
    await visitor.press('Try again');
    await visitor.integrations('247 integrations');
    await visitor.pick('Stripe');
    await visitor.press('Allow');
    await visitor.screen('Stripe is connected');
    expect(await visitor.events(2)).toEqual(['onError', 'onSuccess']);
    expect(pica.connections).toHaveLength(1);
  });

  it('shows rows as text when they contain HTML, and loads none of their images', async () => {
    const title = '<img src=x onerror="document.title=1"> & Co.';
    pica.integrations = [
      { id: 1, title, image: 'https://assets.example/logo.svg', tags: ['<b>'] },
    ];
    pica.whiteLabel = true;
    // An app caches the flag for five minutes, so this one starts afterwards.
    const { url } = await startSample('Express', environmentFor(pica));
    visitor = await browser.visit(url);
    await visitor.signIn('Ada');
    await visitor.openWidget();
    expect(await visitor.integrations('1 integration')).toEqual([title]);
    await visitor.pick('Co.');
    await visitor.screen(`Connect ${title}`);
    // No resource of another origin has been blocked, so none has been requested.
    expect(visitor.consoleErrors).toEqual([]);
    const footer = visitor.widget.locator('footer');
    expect(await footer.innerText()).toBe('emulator');
  });

  it('shows how to open it when it is not in a frame', async () => {
    await visitor.page.goto(pica.url);
    await visitor.page
      .getByText(`give useAuthKit() the baseUrl ${pica.url}.`)
      .waitFor();
    expect(visitor.consoleErrors).toEqual([]);
  });
});
