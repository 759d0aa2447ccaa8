import { useEmulator } from '../support/emulator.js';
import { until } from '../support/until.js';
import { useBrowser, useSample } from './support/browser.js';
import { ONE_13_PATH as PATH, serveOne13Page } from './support/one-1.3-page.js';
import { environmentFor } from './support/sample.js';
import type { Visitor } from './support/visitor.js';

const browser = useBrowser();
const one = useEmulator({ vendor: 'one' });
const sample = useSample('Express', () => environmentFor(one));

let url: string;

/** Opens a page in front of the sample that does what the package does from 1.3 on. */
async function openPage(): Promise<Visitor> {
  url = await serveOne13Page(sample.url, one.url);
  const visitor = await browser.visit(url);
  await visitor.signIn('Ada');
  await visitor.page.goto(url + PATH);
  expect(await visitor.events(1)).toEqual(['ready']);
  return visitor;
}

/** Goes to the platform with the whole page. */
async function goToPlatform(visitor: Visitor): Promise<void> {
  await visitor.page.getByRole('button', { name: 'Connect' }).click();
  await visitor.integrations('247 integrations');
  await visitor.pick('Salesforce');
  await visitor.press('Continue to Salesforce');
  await visitor.page.waitForURL(`${one.url}/widget/authorize?*`);
  expect(decodeURIComponent(visitor.page.url())).toMatch(/~v3$/);
}

const decide = ({ page }: Visitor, button: 'Allow' | 'Deny') =>
  page.getByRole('button', { name: button, exact: true }).click();

const address = ({ page }: Visitor) => page.url().slice(url.length);

describe('a page with @withone/auth 1.3', () => {
  it('hears of the connection after it has come back with a clean address, once', async () => {
    const visitor = await openPage();
    await goToPlatform(visitor);
    await decide(visitor, 'Allow');
    await visitor.screen('Salesforce is connected');
    expect(address(visitor)).toBe(PATH);
    expect([...(await visitor.events(2))].sort()).toEqual([
      'confirmed',
      'ready',
    ]);
    expect(one.connections).toMatchObject([
      { platform: 'salesforce', identity: 'usr_1815' },
    ]);
    await visitor.press('Done');
    await visitor.closed();
    expect(visitor.consoleErrors).toEqual([]);

    await visitor.page.goto(url + PATH);
    expect(await visitor.events(1)).toEqual(['ready']);
    expect(await visitor.frame.count()).toBe(0);
  });

  it('hears of the denial after it has come back with a clean address', async () => {
    const visitor = await openPage();
    await goToPlatform(visitor);
    await decide(visitor, 'Deny');
    await visitor.screen('The account is not connected');
    expect(address(visitor)).toBe(PATH);
    expect(await visitor.events(2)).toContain(
      'error: Access to Salesforce was denied.',
    );
    expect(one.connections).toEqual([]);
  });

  it('hears that the user has come back by the back button', async () => {
    const visitor = await openPage();
    await goToPlatform(visitor);
    await visitor.page.goBack();
    expect(address(visitor)).toBe(PATH);
    await visitor.page.locator('#events').getByText('closed').waitFor();
    expect(await visitor.frame.count()).toBe(0);
    expect(one.connections).toEqual([]);
  });

  it('comes back and opens nothing without sessionStorage, though the connection exists', async () => {
    const visitor = await openPage();
    await visitor.page.addInitScript(
      `Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('denied'); } });`,
    );
    await visitor.page.reload();
    await visitor.events(1);
    await goToPlatform(visitor);
    await decide(visitor, 'Allow');
    await until(() => one.connections.length === 1);
    await visitor.page.waitForURL(url + PATH);
    expect(await visitor.events(1)).toEqual(['ready']);
    expect(await visitor.frame.count()).toBe(0);
    expect(one.connections).toMatchObject([{ platform: 'salesforce' }]);
  });
});
