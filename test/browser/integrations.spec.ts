import { PLATFORMS } from '../support/app.js';
import { startEmulator, useEmulator } from '../support/emulator.js';
import { startSample, useBrowser, useSample } from './support/browser.js';
import { environmentFor, STARTER_PLAN } from './support/sample.js';
import type { Visitor } from './support/visitor.js';

/** The identities of the two users, as the app gives them to Pica. */
const ADA = 'usr_1815';
const GRACE = 'usr_1906';

const browser = useBrowser();
const pica = useEmulator();

describe.each(PLATFORMS)('the integrations page on %s', (platform) => {
  const sample = useSample(platform, () => environmentFor(pica));

  async function open(name: 'Ada' | 'Grace'): Promise<Visitor> {
    const visitor = await browser.visit(sample.url);
    await visitor.signIn(name);
    await visitor.openIntegrations();
    return visitor;
  }

  const titlesOf = (tiles: string[][]) => tiles.map(([title]) => title);

  it("shows what the plan of the user's company offers, as the widget does", async () => {
    const ada = await open('Ada');
    expect(titlesOf(await ada.tiles())).toEqual(
      pica.rows.map(({ title }) => title),
    );
    await ada.page.getByText('Analytical Engines, business plan').waitFor();
    await ada.page.getByText('247 integrations', { exact: true }).waitFor();

    const grace = await open('Grace');
    expect(titlesOf(await grace.tiles()).sort()).toEqual(
      [...STARTER_PLAN].sort(),
    );
    await grace.page.getByText('Compilers Ltd, starter plan').waitFor();
    await grace.page.goto(sample.url);
    await grace.openWidget();
    const inWidget = await grace.integrations('12 integrations');
    expect([...inWidget].sort()).toEqual([...STARTER_PLAN].sort());
    expect([...ada.consoleErrors, ...grace.consoleErrors]).toEqual([]);
  });

  it('is searched by title and category', async () => {
    const ada = await open('Ada');
    const search = ada.page.getByRole('searchbox');
    await search.fill('CRM');
    const isFound = ({ title, tags }: { title?: string; tags?: string[] }) =>
      `${title} ${tags}`.includes('CRM');
    const found = pica.rows.filter(isFound).map(({ title }) => title);
    await ada.page
      .getByText(`${found.length} of 247`, { exact: true })
      .waitFor();
    expect(titlesOf(await ada.tiles())).toEqual(found);
    await search.fill('google CAL');
    await ada.page.getByText('1 of 247', { exact: true }).waitFor();
    expect(await ada.tiles()).toEqual([
      ['Google Calendar', 'Calendar', 'not connected', 'Connect'],
    ]);
  });

  it('opens the widget at the integration of a tile, and then shows it as connected', async () => {
    pica.connect(ADA, 'notion');
    const grace = await open('Grace');
    await grace.act('Connect', 'Notion');
    // No list before it.
    await grace.agreeTo('Notion');
    await grace.status('Notion is connected.');
    await grace.tile('Notion', 'connected');
    const [first, second] = await grace.tiles();
    expect(first).toEqual([
      'Notion',
      'Knowledge',
      'connected',
      'Connect another',
    ]);
    expect(second).toContain('not connected');
    expect(pica.connections.slice(1)).toMatchObject([
      { platform: 'notion', identity: GRACE, tags: ['org_compilers'] },
    ]);

    await grace.act('Connect another', 'Notion');
    await grace.agreeTo('Notion');
    await grace.tile('Notion', '2 connected');
    expect(grace.consoleErrors).toEqual([]);
  });

  it('offers to connect again what does not work any more, before all others, and replaces it', async () => {
    pica.connect(GRACE, 'slack');
    const old = pica.connect(GRACE, 'trello', { name: 'Team board' });
    pica.breakConnection(old.id);
    const grace = await open('Grace');
    const [first, second] = await grace.tiles();
    expect(first).toEqual([
      'Trello',
      'Project Management',
      'does not work any more',
      'Connect again',
    ]);
    expect(second).toContain('connected');
    await grace.act('Connect again', 'Trello');
    await grace.agreeTo('Trello');
    await grace.status('Team board is connected again.');
    await grace.tile('Trello', 'connected');
    expect(pica.connections).toMatchObject([
      { platform: 'slack' },
      { platform: 'trello', name: 'Team board', state: 'operational' },
    ]);
    expect(pica.connections.map(({ id }) => id)).not.toContain(old.id);
    expect(grace.consoleErrors).toEqual([]);
  });

  it("opens the widget at the list when the vendor's package cannot encode the title", async () => {
    pica.integrations = [
      { id: 1, title: 'Zażółć CRM', type: 'zazolc', scopes: 'read' },
      { id: 2, title: 'Café', type: 'cafe', scopes: 'read' },
    ];
    const ada = await open('Ada');
    await ada.act('Connect', 'Café');
    await ada.agreeTo('Café');
    await ada.tile('Café', 'not connected');
    await ada.act('Connect', 'Zażółć CRM');
    expect(await ada.integrations('2 integrations')).toEqual([
      'Zażółć CRM',
      'Café',
    ]);
    expect(ada.consoleErrors).toEqual([]);
  });

  it('asks to sign in when no user is signed in', async () => {
    const visitor = await browser.visit(sample.url);
    await visitor.openIntegrations();
    expect(await visitor.error()).toBe('Please sign in.');
    expect(await visitor.tiles()).toEqual([]);
  });
});

it("draws One's tiles, and connects in a popup", async () => {
  const one = await startEmulator({ vendor: 'one' });
  const sample = await startSample('Express', environmentFor(one));
  const ada = await browser.visit(sample.url);
  await ada.signIn('Ada');
  await ada.openIntegrations();
  await ada.act('Connect', 'HubSpot');
  await ada.agreeInPopupTo('HubSpot');
  await ada.tile('HubSpot', 'connected');
  expect(ada.consoleErrors).toEqual([]);
});
