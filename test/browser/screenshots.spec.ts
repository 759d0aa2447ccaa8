import { mkdirSync, writeFileSync } from 'node:fs';
import type { Locator, Page } from 'playwright-core';
import { useEmulator } from '../support/emulator.js';
import { useBrowser, useSample } from './support/browser.js';
import { environmentFor } from './support/sample.js';

/** Not in git. The README has a copy of one picture. */
const FOLDER = 'screenshots';

const browser = useBrowser();
const pica = useEmulator();
const sample = useSample('Express', () => environmentFor(pica));

beforeAll(() => void mkdirSync(FOLDER, { recursive: true }));

describe.each(['light', 'dark'] as const)('in %s mode', (colorScheme) => {
  it.each([
    { device: 'desktop', viewport: { width: 900, height: 720 } },
    { device: 'phone', viewport: { width: 375, height: 667 } },
  ])(
    'every screen fits a $device, has its control in view and a background of the mode',
    async ({ device, viewport }) => {
      const visitor = await browser.visit(sample.url, {
        colorScheme,
        viewport,
      });
      const { page, widget } = visitor;
      const pictures = new Set<string>();
      /** Takes a picture of a screen, whose area and control are given. */
      const take = async (name: string, area: Locator, control: Locator) => {
        const png = await page.screenshot({ animations: 'disabled' });
        writeFileSync(`${FOLDER}/${name}-${colorScheme}-${device}.png`, png);
        pictures.add(png.toString('base64'));

        for (const element of [area, control]) {
          const { left, right } = await boundsOf(element);
          expect(left).toBeGreaterThanOrEqual(0);
          expect(right).toBeLessThanOrEqual(viewport.width);
        }
        const { top, bottom } = await boundsOf(control);
        expect(top).toBeGreaterThanOrEqual(0);
        expect(bottom).toBeLessThanOrEqual(viewport.height);
        for (const root of [page.locator('html'), area]) {
          const overflow = await root.evaluate(horizontalOverflowOf);
          expect(overflow).toBeLessThanOrEqual(0);
        }
        const picture = await area.screenshot({ animations: 'disabled' });
        const brightness = await backgroundOf(page, picture);
        if (colorScheme === 'light') expect(brightness).toBeGreaterThan(0.8);
        else expect(brightness).toBeLessThan(0.3);
      };
      const dialog = widget.getByRole('dialog');
      const button = (name: string) =>
        widget.getByRole('button', { name, exact: true }).last();
      const connect = page.getByRole('button', {
        name: 'Connect an integration',
      });

      await visitor.signIn('Ada');
      await take('page', page.locator('body'), connect);
      await visitor.openWidget();
      await visitor.integrations('247 integrations');
      await take('widget', dialog, widget.getByRole('searchbox'));
      await visitor.pick('Slack');
      await visitor.screen('Sample Inc. asks for access to Slack');
      await take('consent', dialog, button('Allow'));
      await visitor.press('Allow');
      await visitor.screen('Slack is connected');
      await take('connected', dialog, button('Done'));
      await visitor.press('Done');
      await visitor.closed();
      expect(await visitor.connections()).toEqual(['Slack']);
      await take('page-after', page.locator('body'), connect);

      pica.breakConnection(pica.connect('usr_1815', 'stripe').id);
      await visitor.openIntegrations();
      await take(
        'integrations',
        page.locator('body'),
        page.getByRole('button', { name: 'Connect again: Stripe' }),
      );
      expect(pictures.size).toBe(6);
    },
  );
});

async function boundsOf(locator: Locator) {
  const { x, y, width, height } = (await locator.boundingBox())!;
  return { left: x, right: x + width, top: y, bottom: y + height };
}

/** Runs in the browser: how many pixels of an element are beyond its right edge. */
function horizontalOverflowOf(element: unknown): number {
  const { scrollWidth, clientWidth } = element as {
    scrollWidth: number;
    clientWidth: number;
  };
  return scrollWidth - clientWidth;
}

/** The brightness, from 0 to 1, of the color that most pixels of a picture have. */
function backgroundOf(page: Page, png: Buffer): Promise<number> {
  return page.evaluate(`(async () => {
    const bytes = Uint8Array.from(atob('${png.toString('base64')}'), (char) => char.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const pixels = new Map();
    for (let i = 0; i < data.length; i += 4) {
      const brightness = (data[i] + data[i + 1] + data[i + 2]) / 3 / 255;
      pixels.set(brightness, (pixels.get(brightness) ?? 0) + 1);
    }
    return [...pixels].sort(([, a], [, b]) => b - a)[0][0];
  })()`);
}
