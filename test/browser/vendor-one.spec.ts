import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PicaEmulator } from 'nestjs-pica-authkit/testing';
import type { Browser } from 'playwright-core';
import { PLATFORMS } from '../support/run-app.js';
import { startChromium } from './support/chromium.js';
import { Recorder } from './support/recorder.js';
import { Sample, settingsFor } from './support/sample.js';
import { Visitor } from './support/visitor.js';

let browser: Browser;
let one: PicaEmulator;
beforeAll(async () => {
  browser = await startChromium();
  one = await PicaEmulator.start({ vendor: 'one' });
});
afterAll(async () => {
  await browser?.close();
  await one?.stop();
});

describe.each(PLATFORMS)('@withone/auth, with the sample on %s', (platform) => {
  it('gets all rows page by page, and connects', async () => {
    one.reset();
    const sample = await Sample.start(platform, settingsFor(one));
    const app = await Recorder.start(sample.url);
    const visitor = await Visitor.arrive(browser, app.url);
    try {
      expect(await visitor.page.locator('#package').textContent()).toBe(
        '@withone/auth',
      );
      await visitor.signIn('Grace');
      await visitor.openWidget();
      const titles = await visitor.integrations('247 integrations');
      expect(titles).toEqual(one.rows.map(({ title }) => title));

      const asked = app
        .at('/authkit-token')
        .filter(({ method }) => method === 'POST');
      expect(asked.map(({ url }) => url)).toEqual([
        '/authkit-token?page=1&limit=100',
        '/authkit-token?page=2&limit=100',
        '/authkit-token?page=3&limit=100',
      ]);
      const upstream = one.requests.filter(({ method }) => method === 'POST');
      expect(upstream.map(({ query }) => query.page)).toEqual(['1', '2', '3']);

      await visitor.pick('Salesforce');
      await visitor.press('Allow');
      await visitor.screen('Salesforce is connected');
      await visitor.press('Done');
      await visitor.gone();
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
      expect(visitor.complaints).toEqual([]);
    } finally {
      await visitor.leave();
      await app.stop();
      await sample.stop();
    }
  });
});
