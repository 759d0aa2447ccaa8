import { useEmulator } from '../support/emulator.js';
import { useBrowser } from './support/browser.js';

const browser = useBrowser();
const pica = useEmulator();

const PHONE = { viewport: { width: 375, height: 760 } };

/** The status of a call of the API. */
const flags = async () => {
  const headers = { 'x-pica-secret': pica.secretKey };
  return (await fetch(`${pica.url}/v1/users/flags`, { headers })).status;
};

describe('the page of the emulator', () => {
  it('breaks, repairs and deletes connections, on a phone', async () => {
    pica.connect({ identity: 'ada', identityType: 'user' }, 'gmail');
    const visitor = await browser.visit(`${pica.url}/`, PHONE);
    const { page } = visitor;
    await page.getByRole('heading', { name: 'ada (user)' }).waitFor();
    const width = await page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBe(375);

    await page.getByRole('button', { name: 'Break: Gmail' }).click();
    await visitor.status('Gmail is broken');
    expect(pica.connections).toMatchObject([{ state: 'failed' }]);
    await page.getByRole('button', { name: 'Repair: Gmail' }).click();
    await visitor.status('Gmail works again');
    expect(pica.connections).toMatchObject([{ state: 'operational' }]);
    await page.getByRole('button', { name: 'Delete: Gmail' }).click();
    await visitor.status('Gmail is deleted');
    expect(pica.connections).toEqual([]);
    expect(visitor.consoleErrors).toEqual([]);
  });

  it('switches faults by the keyboard, and shows the requests that they hit', async () => {
    const visitor = await browser.visit(`${pica.url}/`, PHONE);
    const { page } = visitor;
    const fault = page.getByRole('switch', { name: '503 Unavailable' });
    await fault.waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await visitor.status('503 Unavailable: on');
    expect(await fault.getAttribute('aria-checked')).toBe('true');
    expect(await flags()).toBe(503);
    await page.getByText('fault: status 503').waitFor();
    // The focus stays, although the switch is drawn again.
    await page.keyboard.press('Space');
    await visitor.status('503 Unavailable: off');
    expect(await flags()).toBe(200);
  });

  it('shows what happens elsewhere within a second or so', async () => {
    const visitor = await browser.visit(`${pica.url}/`, PHONE);
    await visitor.page.getByText('None yet. Your page').waitFor();
    const { id } = pica.connect('grace', 'slack');
    await visitor.page.getByRole('heading', { name: 'grace' }).waitFor();
    pica.breakConnection(id, { silently: true });
    const said = visitor.page.getByText('operational, but calls fail');
    await said.waitFor();
    expect(await said.count()).toBe(1);
    expect(visitor.consoleErrors).toEqual([]);
  });
});
