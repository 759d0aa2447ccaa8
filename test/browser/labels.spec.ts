import { startEmulator } from '../support/emulator.js';
import { until } from '../support/until.js';
import { startSample, useBrowser } from './support/browser.js';
import { environmentFor } from './support/sample.js';

const browser = useBrowser();

describe.each(['pica', 'one'] as const)(
  'the labels of a Gmail account, by the sample with %s,',
  (vendor) => {
    it('are there once it is connected, and again after it broke and the user has connected again', async () => {
      const pica = await startEmulator({ vendor });
      const sample = await startSample('Express', environmentFor(pica));
      const ada = await browser.visit(sample.url);
      const { page } = ada;
      const button = (name: string) =>
        page.getByRole('button', { name, exact: true });
      const says = (text: string) =>
        page
          .locator('#labels-state')
          .getByText(text, { exact: true })
          .waitFor();
      const labels = () => page.locator('#labels li').allTextContents();
      const agree = () =>
        vendor === 'one' ? ada.agreeInPopupTo('Gmail') : ada.agreeTo('Gmail');

      await ada.signIn('Ada');
      await button('Show the labels').click();
      await says('No Gmail account is connected.');
      await button('Connect Gmail').click();
      await agree();
      await ada.status('Gmail is connected.');
      await button('Show the labels').click();
      await page.locator('#labels li', { hasText: 'INBOX' }).waitFor();
      expect(await labels()).toContain('INBOX');

      // On the page of the emulator.
      const operator = await browser.visit(`${pica.url}/`);
      await operator.page.getByRole('button', { name: 'Break: Gmail' }).click();
      await operator.status('Gmail is broken');

      await button('Show the labels').click();
      await says('Gmail does not let Sample Inc. in any more.');
      expect(await labels()).toEqual([]);
      await button('Connect Gmail again').click();
      await agree();
      await ada.status('Gmail is connected again.');
      expect(pica.connections).toHaveLength(1);
      await button('Show the labels').click();
      await page.locator('#labels li', { hasText: 'INBOX' }).waitFor();
      expect(await labels()).toContain('INBOX');
      const conflicts = ada.consoleErrors.filter(
        (error) => !error.includes('409'),
      );
      expect(conflicts).toEqual([]);
      await until(() => sample.output.includes('Connections of all users: 0'));
    });
  },
);
