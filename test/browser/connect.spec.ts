import { PLATFORMS } from '../support/app.js';
import { useBrowser, useSample } from './support/browser.js';

const browser = useBrowser();

describe.each(PLATFORMS)('connecting on the sample with %s', (platform) => {
  // As `npm start` runs it: with an emulator of its own, on another origin.
  const sample = useSample(platform);

  it('adds the connection to the list of its user and of no other, once access is allowed', async () => {
    const visitor = await browser.visit(sample.url);
    await visitor.signIn('Ada');
    expect(await visitor.connections()).toEqual([]);

    await visitor.openWidget();
    expect(await visitor.integrations('247 integrations')).toHaveLength(247);
    await visitor.search('GOOGLE cal');
    expect(await visitor.integrations('1 of 247')).toEqual(['Google Calendar']);
    await visitor.search('no such thing');
    expect(await visitor.integrations('No integration matches.')).toEqual([]);
    await visitor.search('gmail');
    await visitor.integrations('1 of 247');
    await visitor.pick('Gmail');
    await visitor.screen('Sample Inc. asks for access to Gmail');
    await visitor.press('Allow');
    await visitor.screen('Gmail is connected');
    await visitor.press('Done');
    await visitor.closed();

    expect(await visitor.events(2)).toEqual(['onSuccess', 'onClose']);
    expect(await visitor.connections()).toEqual(['Gmail']);
    await visitor.page.reload();
    expect(await visitor.connections()).toEqual(['Gmail']);

    await visitor.signOut();
    expect(await visitor.connections()).toEqual([]);
    await visitor.signIn('Grace');
    expect(await visitor.connections()).toEqual([]);

    expect(visitor.consoleErrors).toEqual([]);
  });

  it('calls onError and onClose of the page when access is denied', async () => {
    const visitor = await browser.visit(sample.url);
    await visitor.signIn('Grace');
    await visitor.openWidget();
    await visitor.integrations('12 integrations');
    await visitor.pick('Slack');
    await visitor.press('Deny');
    await visitor.screen('Slack is not connected');
    expect(await visitor.error()).toBe('Access to Slack was denied.');
    await visitor.press('Close');
    await visitor.closed();
    expect(await visitor.events(2)).toEqual(['onError', 'onClose']);
    expect(await visitor.connections()).toEqual([]);
    expect(visitor.consoleErrors).toEqual([]);
  });
});
