import { PLATFORMS } from '../support/app.js';
import { startEmulator, useEmulator } from '../support/emulator.js';
import { until } from '../support/until.js';
import { startSample, useBrowser, useSample } from './support/browser.js';
import { environmentFor } from './support/sample.js';
import type { Visitor } from './support/visitor.js';

/** The identities of the two users, as the app gives them to Pica. */
const ADA = 'usr_1815';
const GRACE = 'usr_1906';

const browser = useBrowser();
const pica = useEmulator();

describe.each(PLATFORMS)('connections, in the sample on %s,', (platform) => {
  const sample = useSample(platform, () => environmentFor(pica));
  let ada: Visitor;

  beforeEach(async () => {
    ada = await browser.visit(sample.url);
  });

  /** The changes and deletions that Pica was asked for. */
  const changes = () =>
    pica.requests.filter(({ method }) => ['PATCH', 'DELETE'].includes(method));

  it('are shown to their owner alone, in two browsers at the same time', async () => {
    const grace = await browser.visit(sample.url);
    await ada.signIn('Ada');
    await grace.signIn('Grace');
    await ada.connectTo('Gmail');
    await grace.connectTo('Gmail');
    await grace.connectTo('Slack');
    // Not because the list of Pica is filtered.
    for (const ignoreFilters of [false, true]) {
      pica.ignoreFilters = ignoreFilters;
      await Promise.all([ada.page.reload(), grace.page.reload()]);
      expect(await ada.connections()).toEqual(['Gmail']);
      expect(await grace.connections()).toEqual(['Gmail', 'Slack']);
    }

    const owned = pica.connections.map(({ id, identity, platform }) => {
      return { id, identity, platform };
    });
    expect(owned).toMatchObject([
      { identity: ADA, platform: 'gmail' },
      { identity: GRACE, platform: 'gmail' },
      { identity: GRACE, platform: 'slack' },
    ]);
    // `onConnected` is called once for each.
    for (const { id, identity, platform } of owned) {
      const line = `${identity} has connected ${platform}: ${id}`;
      await until(() => sample.output.includes(line));
      expect(sample.output.split(line)).toHaveLength(2);
    }
    expect([...ada.consoleErrors, ...grace.consoleErrors]).toEqual([]);
  });

  it('that another frame forges, or takes from another user, are not confirmed', async () => {
    const printed = sample.output.length;
    const hers = pica.connect(GRACE, 'gmail');
    const broken = pica.connect(ADA, 'gmail', {
      name: 'Work',
      state: 'failed',
    });
    await ada.signIn('Ada');
    await ada.connections();
    await ada.act('Connect again', 'Work');
    await ada.frame.waitFor({ state: 'visible' });

    const noConnection =
      'The connection is not confirmed. There is no such connection.';
    const forgeries = [
      { message: { ...hers }, says: noConnection },
      {
        message: { key: 'test::gmail::default::nobody', platform: 'gmail' },
        says: noConnection,
      },
      { message: undefined, says: 'The widget has named no connection.' },
      { message: { key: 1 }, says: 'The widget has named no connection.' },
    ];
    for (const [index, { message, says }] of forgeries.entries()) {
      await ada.forge(pica.url, message);
      await ada.events(index + 1);
      expect(await ada.connections()).toEqual(['Work']);
      expect(await ada.error()).toBe(says);
      expect(await ada.page.getByRole('status').textContent()).toBe('');
    }

    expect(pica.connections).toEqual([hers, broken]);
    expect(changes()).toEqual([]);
    expect(sample.output.slice(printed)).not.toContain('has connected');

    // The widget itself still leads to a connection, which replaces the broken one.
    await ada.agreeTo('Gmail');
    await ada.status('Work is connected again.');
    expect(await ada.connections()).toEqual(['Work']);
    expect(pica.connections).toMatchObject([hers, { identity: ADA }]);
  });

  it('that have failed are replaced when their user connects again', async () => {
    await ada.signIn('Ada');
    await ada.connectTo('Gmail');
    await ada.act('Rename', 'Gmail');
    await ada.rename('Work');
    await ada.answer('Rename');
    await ada.status('The name is now Work.');
    expect(await ada.offers('Connect again', 'Work')).toBe(false);

    const [old] = pica.connections;
    pica.breakConnection(old!.id);
    await ada.page.reload();
    expect(await ada.details()).toEqual([
      'Gmail\ndoes not work any more\nsince …',
    ]);
    await ada.act('Connect again', 'Work');
    // The widget opens at the integration of the broken connection.
    await ada.agreeTo('Gmail');
    await ada.status('Work is connected again.');
    expect(await ada.details()).toEqual(['Gmail\noperational\nsince …']);
    expect(await ada.connections()).toEqual(['Work']);

    const [replacement, ...others] = pica.connections;
    expect(others).toEqual([]);
    expect(replacement).toMatchObject({
      name: 'Work',
      platform: 'gmail',
      identity: ADA,
    });
    expect(replacement!.id).not.toBe(old!.id);
    expect(replacement!.key).not.toBe(old!.key);
    const line = `${ADA} has connected again gmail: ${replacement!.id}`;
    await until(() => sample.output.includes(line));
    expect(ada.consoleErrors).toEqual([]);
  });

  it('stay broken when their user connects something else instead', async () => {
    const { id } = pica.connect(ADA, 'gmail', { state: 'failed' });
    await ada.signIn('Ada');
    await ada.connections();
    await ada.act('Connect again', 'Gmail');
    await ada.screen('Sample Inc. asks for access to Gmail');
    await ada.press('‹ All integrations');
    await ada.pick('Slack');
    await ada.agreeTo('Slack');
    await ada.status('Slack is connected.');
    expect((await ada.connections()).sort()).toEqual(['Gmail', 'Slack']);
    expect(await ada.offers('Connect again', 'Gmail')).toBe(true);
    expect(pica.connections.map((each) => each.id)).toContain(id);
    expect(ada.consoleErrors).toEqual([]);
  });

  it('are renamed and disconnected after a question, and stay as they are when it is cancelled', async () => {
    pica.connect(ADA, 'slack');
    const hers = pica.connect(GRACE, 'slack');
    await ada.signIn('Ada');
    await ada.connections();

    await ada.act('Rename', 'Slack');
    await ada.rename('Never');
    await ada.answer('Cancel');
    await ada.act('Disconnect', 'Slack');
    expect(await ada.question.innerText()).toMatch(/^Disconnect Slack\?/);
    await ada.page.keyboard.press('Escape');
    await ada.question.waitFor({ state: 'detached' });
    expect(changes()).toEqual([]);

    await ada.act('Rename', 'Slack');
    await ada.rename('<b>Team</b>');
    await ada.page.keyboard.press('Enter');
    await ada.status('The name is now <b>Team</b>.');
    expect(await ada.connections()).toEqual(['<b>Team</b>']);
    // Without a name of its own it has that of the platform.
    await ada.act('Rename', '<b>Team</b>');
    await ada.rename('');
    await ada.answer('Rename');
    await ada.status('The name is now Slack.');
    expect(await ada.connections()).toEqual(['Slack']);

    await ada.act('Disconnect', 'Slack');
    await ada.answer('Disconnect');
    await ada.status('Slack is disconnected.');
    expect(await ada.connections()).toEqual([]);
    expect(pica.connections).toEqual([hers]);
    expect(ada.consoleErrors).toEqual([]);
  });

  it('that are gone meanwhile cause an error, and leave the list', async () => {
    pica.connect(ADA, 'slack');
    await ada.signIn('Ada');
    await ada.connections();
    pica.reset();
    await ada.act('Disconnect', 'Slack');
    await ada.answer('Disconnect');
    expect(await ada.error()).toBe('There is no such connection.');
    expect(await ada.connections()).toEqual([]);
  });

  it('are all listed, more of them than fit on one page of the service', async () => {
    for (let count = 0; count < 160; count += 1) pica.connect(ADA, 'slack');
    await ada.signIn('Ada');
    expect(await ada.connections()).toHaveLength(160);
  });
});

describe("One's connections", () => {
  it('are listed without a date', async () => {
    const one = await startEmulator({ vendor: 'one' });
    const sample = await startSample('Express', environmentFor(one));
    const ada = await browser.visit(sample.url);
    one.connect(ADA, 'gmail', { state: 'degraded' });
    await ada.signIn('Ada');
    expect(await ada.details()).toEqual(['Gmail\ndegraded']);
    expect(ada.consoleErrors).toEqual([]);
  });
});

describe("the sample's own emulator", () => {
  it('breaks a connection by a button, which the page does not have without it', async () => {
    const withIt = await startSample('Express', {});
    const without = await startSample('Express', environmentFor(pica));
    pica.connect(ADA, 'gmail');
    const ada = await browser.visit(withIt.url);
    const other = await browser.visit(without.url);
    await ada.signIn('Ada');
    await ada.connectTo('Gmail');
    await ada.connections();
    await ada.act('Break', 'Gmail');
    await ada.act('Connect again', 'Gmail');
    await ada.agreeTo('Gmail');
    await ada.status('Gmail is connected again.');
    expect(await ada.connections()).toEqual(['Gmail']);
    expect(ada.consoleErrors).toEqual([]);

    await other.signIn('Ada');
    await other.connections();
    expect(await other.offers('Rename', 'Gmail')).toBe(true);
    expect(await other.offers('Break', 'Gmail')).toBe(false);
  });
});
