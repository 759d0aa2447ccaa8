import { PLATFORMS } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { useBrowser, useRecorder, useSample } from './support/browser.js';
import { environmentFor } from './support/sample.js';

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
    await visitor.signIn('Grace');
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
    const opened = visitor.page.waitForEvent('popup');
    await visitor.press('Continue to Salesforce');
    await (await opened).getByRole('button', { name: 'Allow' }).click();
    await visitor.screen('Salesforce is connected');
    await visitor.press('Done');
    await visitor.closed();
    expect(await visitor.events(2)).toEqual(['onSuccess', 'onClose']);
    expect(await visitor.connections()).toEqual(['Salesforce']);
    expect(one.connections).toMatchObject([
      {
        platform: 'salesforce',
        identity: 'usr_1906',
        identityType: 'user',
        connectionDefinitionId: one.rows[2]!.connectionDefId,
      },
    ]);
    expect(visitor.consoleErrors).toEqual([]);
  });
});
