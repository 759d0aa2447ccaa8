import type { Page } from 'playwright-core';
import { useEmulator } from '../support/emulator.js';
import { useBrowser, useSample } from './support/browser.js';
import { environmentFor } from './support/sample.js';
import type { Visitor } from './support/visitor.js';

const browser = useBrowser();
const one = useEmulator({ vendor: 'one' });
const sample = useSample('Express', () => environmentFor(one));

/** Signs in on the page of the sample and chooses Salesforce in the widget. */
async function chooseSalesforce(
  authWindow: 'same' | 'popup',
): Promise<Visitor> {
  const visitor = await browser.visit(
    `${sample.url}/?authWindow=${authWindow}&tab=crm`,
  );
  await visitor.signIn('Ada');
  await visitor.openWidget();
  await visitor.integrations('247 integrations');
  await visitor.pick('Salesforce');
  await visitor.screen('Connect Salesforce');
  return visitor;
}

/** Presses a button of the platform's page. */
async function decide(page: Page, button: 'Allow' | 'Deny'): Promise<void> {
  await page
    .getByRole('heading', { name: 'Sample Inc. asks for access to Salesforce' })
    .waitFor();
  await page.getByRole('button', { name: button, exact: true }).click();
}

const addressOf = ({ page }: Visitor) => new URL(page.url()).search;

const CONNECTION = {
  platform: 'salesforce',
  identity: 'usr_1815',
  identityType: 'user',
};

describe("@withone/auth with authWindow 'same'", () => {
  /** Goes to the platform with the whole page. */
  async function goToPlatform(): Promise<Visitor> {
    const visitor = await chooseSalesforce('same');
    await visitor.press('Continue to Salesforce');
    await visitor.page.waitForURL(`${one.url}/widget/authorize?*`);
    return visitor;
  }

  it('confirms the connection after the user has allowed it on the page of the platform', async () => {
    const visitor = await goToPlatform();
    expect(await visitor.page.locator('iframe').count()).toBe(0);
    await decide(visitor.page, 'Allow');
    await visitor.page.waitForURL(`${sample.url}/?*one_auth_state=*`);
    // The page has called useOneAuth() as it loaded.
    await visitor.screen('Salesforce is connected');
    expect(await visitor.events(1)).toEqual(['onSuccess']);
    await visitor.status('Salesforce is connected.');
    expect(one.connections).toMatchObject([CONNECTION]);
    await visitor.press('Done');
    await visitor.closed();
    expect(await visitor.events(2)).toEqual(['onSuccess', 'onClose']);
    expect(await visitor.connections()).toEqual(['Salesforce']);
    // The page's own parameters are still there.
    expect(addressOf(visitor)).toBe('?authWindow=same&tab=crm');
    expect(visitor.consoleErrors).toEqual([]);
  });

  it('shows that the user has denied it on the page of the platform', async () => {
    const visitor = await goToPlatform();
    await decide(visitor.page, 'Deny');
    await visitor.screen('The account is not connected');
    expect(await visitor.events(1)).toEqual(['onError']);
    expect(await visitor.error()).toBe('Access to Salesforce was denied.');
    await visitor.press('Close');
    await visitor.closed();
    expect(addressOf(visitor)).toBe('?authWindow=same&tab=crm');
    expect(one.connections).toEqual([]);
    // The user can try again.
    await visitor.openWidget();
    await visitor.integrations('247 integrations');
  });

  it('sends the user nowhere when there is no state to check any more', async () => {
    const visitor = await goToPlatform();
    const allow = visitor.page.getByRole('button', {
      name: 'Allow',
      exact: true,
    });
    await allow.waitFor();
    one.reset();
    await allow.click();
    await visitor.page.getByText('This request for access is over.').waitFor();
    expect(visitor.page.url()).toContain(`${one.url}/widget/callback?`);
  });

  it('replaces the connection that the user connects again', async () => {
    const { id } = one.connect('usr_1815', 'salesforce', { name: 'Our CRM' });
    one.breakConnection(id);
    const visitor = await browser.visit(`${sample.url}/?authWindow=same`);
    await visitor.signIn('Ada');
    await visitor.connections();
    await visitor.act('Connect again', 'Our CRM');
    await visitor.screen('Connect Salesforce');
    await visitor.press('Continue to Salesforce');
    await decide(visitor.page, 'Allow');
    await visitor.screen('Salesforce is connected');
    await visitor.status('Our CRM is connected again.');
    expect(one.connections).toMatchObject([
      { platform: 'salesforce', name: 'Our CRM', state: 'operational' },
    ]);
  });
});

describe("@withone/auth with authWindow 'popup'", () => {
  /** Goes to the platform in a window of its own. */
  async function openPlatform(): Promise<[Visitor, Page]> {
    const visitor = await chooseSalesforce('popup');
    const opened = visitor.page.waitForEvent('popup');
    await visitor.press('Continue to Salesforce');
    return [visitor, await opened];
  }

  it('confirms the connection after the user has allowed it in the other window, which closes', async () => {
    const [visitor, popup] = await openPlatform();
    const closed = popup.waitForEvent('close');
    await decide(popup, 'Allow');
    await closed;
    await visitor.screen('Salesforce is connected');
    await visitor.press('Done');
    await visitor.closed();
    expect(await visitor.events(2)).toEqual(['onSuccess', 'onClose']);
    expect(await visitor.connections()).toEqual(['Salesforce']);
    expect(one.connections).toMatchObject([CONNECTION]);
    expect(addressOf(visitor)).toBe('?authWindow=popup&tab=crm');
    expect(visitor.consoleErrors).toEqual([]);
  });

  it('shows that the user has denied it in the other window', async () => {
    const [visitor, popup] = await openPlatform();
    await decide(popup, 'Deny');
    await visitor.screen('Salesforce is not connected');
    expect(await visitor.error()).toBe('Access to Salesforce was denied.');
    expect(await visitor.events(1)).toEqual(['onError']);
    expect(one.connections).toEqual([]);
  });

  it('shows that the user has closed the other window', async () => {
    const [visitor, popup] = await openPlatform();
    await popup.close();
    await visitor.screen('Salesforce is not connected');
    expect(await visitor.error()).toBe('The window was closed.');
    await visitor.press('Try again');
    await visitor.screen('Connect Salesforce');
  });
});
