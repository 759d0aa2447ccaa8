import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import type { Browser } from 'playwright-core';
import { PLATFORMS } from '../support/run-app.js';
import { startChromium } from './support/chromium.js';
import { Sample } from './support/sample.js';
import { Visitor } from './support/visitor.js';

let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser?.close());

describe.each(PLATFORMS)('connecting, with the sample on %s', (platform) => {
  // As `npm start` runs it: with an emulator of its own, on another origin.
  let sample: Sample;
  let visitor: Visitor;
  beforeAll(async () => {
    sample = await Sample.start(platform);
  });
  afterEach(() => visitor?.leave());
  afterAll(() => sample?.stop());

  it('leads from Connect to the connection in the list of its user, and of nobody else', async () => {
    visitor = await Visitor.arrive(browser, sample.url);
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
    await visitor.gone();

    expect(await visitor.events(2)).toEqual(['onSuccess', 'onClose']);
    expect(await visitor.connections()).toEqual(['Gmail']);
    await visitor.page.reload();
    expect(await visitor.connections()).toEqual(['Gmail']);

    await visitor.signOut();
    expect(await visitor.connections()).toEqual([]);
    await visitor.signIn('Grace');
    expect(await visitor.connections()).toEqual([]);

    expect(visitor.complaints).toEqual([]);
  });

  it('tells the page of a denial, and of the end', async () => {
    visitor = await Visitor.arrive(browser, sample.url);
    await visitor.signIn('Grace');
    await visitor.openWidget();
    await visitor.integrations('247 integrations');
    await visitor.pick('Slack');
    await visitor.press('Deny');
    await visitor.screen('Slack is not connected');
    expect(await visitor.error()).toBe('Access to Slack was denied.');
    await visitor.press('Close');
    await visitor.gone();
    expect(await visitor.events(2)).toEqual(['onError', 'onClose']);
    expect(await visitor.connections()).toEqual([]);
    expect(visitor.complaints).toEqual([]);
  });
});
