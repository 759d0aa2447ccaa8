import { mkdirSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { startChromium } from './support/chromium.js';
import { Sample } from './support/sample.js';
import { Visitor } from './support/visitor.js';

/** Not in git, but for the one that stands in the README. */
const FOLDER = 'screenshots';

let browser: Browser;
let sample: Sample;
beforeAll(async () => {
  mkdirSync(FOLDER, { recursive: true });
  browser = await startChromium();
  sample = await Sample.start('Express');
});
afterAll(async () => {
  await browser?.close();
  await sample?.stop();
});

describe.each(['light', 'dark'] as const)('a %s screen', (colorScheme) => {
  it.each([
    { device: 'desktop', viewport: { width: 900, height: 720 } },
    { device: 'phone', viewport: { width: 375, height: 667 } },
  ])('has its picture taken, $device', async ({ device, viewport }) => {
    const visitor = await Visitor.arrive(browser, sample.url, {
      colorScheme,
      viewport,
    });
    const take = async (what: string) => {
      const path = `${FOLDER}/${what}-${colorScheme}-${device}.png`;
      await visitor.page.screenshot({
        path,
        animations: 'disabled',
        fullPage: what.startsWith('page'),
      });
      expect(statSync(path).size).toBeGreaterThan(5_000);
    };
    try {
      await visitor.signIn('Ada');
      await take('page');
      await visitor.openWidget();
      await visitor.integrations('247 integrations');
      await take('widget');
      await visitor.pick('Slack');
      await visitor.screen('Sample Inc. asks for access to Slack');
      await take('consent');
      await visitor.press('Allow');
      await visitor.screen('Slack is connected');
      await take('connected');
      await visitor.press('Done');
      await visitor.gone();
      await visitor.connections();
      await take('page-after');
      await visitor.connectTo('Gmail');
      await visitor.connections();
      await visitor.act('Break', 'Gmail');
      await visitor.page.locator('.connect-again').waitFor();
      await take('page-broken');
      await visitor.act('Disconnect', 'Gmail');
      await take('disconnect');
      await visitor.answer('Disconnect');
      await visitor.status('Gmail is disconnected.');
      await visitor.act('Rename', 'Slack');
      await take('rename');
      await visitor.answer('Cancel');
      // The next picture's user starts with no connections.
      await visitor.act('Disconnect', 'Slack');
      await visitor.answer('Disconnect');
      await visitor.status('Slack is disconnected.');

      // Nothing stands out to the right on any device.
      const width = 'document.documentElement.scrollWidth';
      expect(await visitor.page.evaluate(width)).toBe(viewport.width);
    } finally {
      await visitor.leave();
    }
  });
});
