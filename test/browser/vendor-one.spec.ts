import { PLATFORMS } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { until } from '../support/until.js';
import { useBrowser, useRecorder, useSample } from './support/browser.js';
import { environmentFor, STARTER_PLAN } from './support/sample.js';

const browser = useBrowser();
const one = useEmulator({ vendor: 'one' });

describe.each(PLATFORMS)('@withone/auth in the sample on %s', (platform) => {
  const sample = useSample(platform, () => environmentFor(one));
  const app = useRecorder(() => sample.url);

  it('gets all rows page by page and connects', async () => {
    const visitor = await browser.visit(app.url);
    expect(await visitor.page.locator('#package').textContent()).toBe(
      '@withone/auth',
    );
    await visitor.signIn('Ada');
    await visitor.openWidget();
    const titles = await visitor.integrations('247 integrations');
    expect(titles).toEqual(one.rows.map(({ title }) => title));

    const tokenRequests = app
      .to('/authkit-token')
      .filter(({ method }) => method === 'POST');
    expect(tokenRequests.map(({ url }) => url)).toEqual([
      '/authkit-token?page=1&limit=100',
      '/authkit-token?page=2&limit=100',
      '/authkit-token?page=3&limit=100',
    ]);
    const upstream = one.requests.filter(({ method }) => method === 'POST');
    expect(upstream.map(({ query }) => query.page)).toEqual(['1', '2', '3']);

    await visitor.pick('Salesforce');
    await visitor.agreeInPopupTo('Salesforce');
    expect(await visitor.events(2)).toEqual(['onSuccess', 'onClose']);
    expect(await visitor.connections()).toEqual(['Salesforce']);
    expect(one.connections).toMatchObject([
      {
        platform: 'salesforce',
        identity: 'usr_1815',
        tags: ['org_engines'],
        identityType: 'user',
        connectionDefinitionId: one.rows[2]!.connectionDefId,
      },
    ]);
    expect(visitor.consoleErrors).toEqual([]);
  });

  it('goes on behind pages without a row, when what the user is offered is on a later one', async () => {
    const offered = ['Slack', 'Gmail'];
    const isOffered = ({ title }: { title?: string }) =>
      offered.includes(title!);
    const others = one.rows.filter((row) => !STARTER_PLAN.includes(row.title!));
    // Of the three pages, the first and the last have nothing for Grace.
    one.integrations = [
      ...others.slice(0, 120),
      ...one.rows.filter(isOffered),
      ...others.slice(120, 230),
    ];
    const visitor = await browser.visit(app.url);
    const pages: object[] = [];
    visitor.page.on('response', async (response) => {
      if (!response.url().includes('/authkit-token?')) return;
      if (response.request().method() !== 'POST') return;
      const { rows, page, pages: count, total } = await response.json();
      pages.push({ rows: rows.length, page, count, total });
    });
    await visitor.signIn('Grace');
    await visitor.openWidget();
    expect((await visitor.integrations('2 integrations')).sort()).toEqual(
      [...offered].sort(),
    );
    await until(() => pages.length === 3);
    expect(pages).toEqual([
      { rows: 0, page: 1, count: 3, total: 232 },
      { rows: 2, page: 2, count: 3, total: 232 },
      { rows: 0, page: 3, count: 3, total: 232 },
    ]);
    await visitor.pick('Slack');
    await visitor.agreeInPopupTo('Slack');
    expect(await visitor.connections()).toEqual(['Slack']);
    expect(one.connections).toMatchObject([
      { platform: 'slack', identity: 'usr_1906', tags: ['org_compilers'] },
    ]);
    expect(visitor.consoleErrors).toEqual([]);
  });
});
