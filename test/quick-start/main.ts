/**
 * `npm run test:quick-start -- [--only nest=12,variant=bearer] [--report file.md] [--tarball file.tgz] [--keep]`:
 * makes an app of each Nest with `nest new`, pastes docs/quick-start.md into it,
 * and connects an account in Chromium, with the emulator.
 */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { startChromium } from '../browser/support/chromium.js';
import { formatRows, runCommand, type Run } from '../install/command.js';
import { NPM_INSTALL, bareEnvironment, run } from '../install/run.js';
import { startApp } from '../install/start.js';
import { freePort } from '../support/free-port.js';
import { readGuide, VARIANTS, type GuideApp, type Variant } from './guide.js';

const DIMENSIONS = { nest: ['11', '12'], variant: [...VARIANTS] as string[] };

const table = [['app', 'result', 'seconds']];

await runCommand(
  DIMENSIONS,
  async function* (run) {
    const { nest, variant } = { ...DIMENSIONS, ...run.only };
    for (const each of nest) {
      for (const name of variant as Variant[]) {
        const app = `Nest ${each}, ${name}`;
        const start = Date.now();
        const failure = await tryApp(run, each, name).catch((error) => error);
        const seconds = Math.round((Date.now() - start) / 1000);
        table.push([app, failure ? 'broken' : 'works', String(seconds)]);
        yield {
          text: `${app}: ${failure?.stack ?? 'works'}`,
          isBroken: Boolean(failure),
        };
      }
    }
  },
  () => formatRows(table),
);

async function tryApp(
  { directory, tarball }: Run<keyof typeof DIMENSIONS>,
  nest: string,
  variant: Variant,
): Promise<void> {
  const ports = { app: await freePort(), emulator: await freePort() };
  const guide = readGuide(variant, nest, ports);
  const place = join(directory, `${variant}-nest${nest}`);
  await mkdir(place);
  const path = await createApp(place, nest);
  await paste(path, guide, tarball);
  const esbuild =
    'page/connect.ts --bundle --format=esm --outfile=public/connect.js';
  await run(path, 'npx', 'esbuild', ...esbuild.split(' '));

  const options = { cwd: path, env: bareEnvironment() };
  const port = ['--port', String(ports.emulator)];
  const emulator = await startApp(
    ['npx', 'pica-emulator', ...port],
    options,
    (output) => /runs at (\S+)/.exec(output)?.[1],
  );
  try {
    const url = `http://127.0.0.1:${ports.app}`;
    const app = await startApp(['npm', 'run', 'start'], options, () =>
      fetch(url).then(
        () => url,
        () => undefined,
      ),
    );
    try {
      await connectAccounts(app.ready, emulator.ready);
    } finally {
      await app.stop();
    }
  } finally {
    await emulator.stop();
  }
}

async function createApp(place: string, nest: string): Promise<string> {
  const options = '--skip-git --skip-install --package-manager npm';
  await run(
    place,
    'npm',
    ...['exec', '--yes', `@nestjs/cli@${nest}`, '--', 'new', 'app'],
    ...options.split(' '),
  );
  return join(place, 'app');
}

/** Installs and writes what the guide says. */
async function paste(
  path: string,
  { files, packages }: GuideApp,
  tarball: string,
): Promise<void> {
  const named = packages.map((each) =>
    each === 'nestjs-pica-authkit' ? tarball : each,
  );
  await run(path, 'npm', ...NPM_INSTALL, ...named);
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), content);
  }
  const config = join(path, 'tsconfig.build.json');
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace('"exclude": [', '"exclude": ["page", '));
}

/** Signs in, connects an account, breaks it, and connects it again. */
async function connectAccounts(url: string, emulator: string): Promise<void> {
  const browser = await startChromium();
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(url);
    await page.click('#connect');
    await page.getByText('Please sign in.').waitFor();
    await page.click('#sign-in');
    await page.waitForFunction(() => !document.querySelector('output')!.value);

    await page.click('#connect');
    await allow(page);
    await page.getByText('gmail: operational').waitFor();
    const [first] = await connectionsOf(emulator);
    const broken = `${emulator}/emulator/connections/${first!.id}/break`;
    assert.equal((await fetch(broken, { method: 'POST' })).status < 300, true);

    await page.reload();
    await page.click('#sign-in');
    await page.getByRole('button', { name: 'Connect again' }).click();
    await allow(page);
    await page.getByText('gmail: operational').waitFor();
    const [second, ...others] = await connectionsOf(emulator);
    assert.notEqual(second!.id, first!.id);
    assert.deepEqual(others, []);
  } finally {
    await browser.close();
  }
}

async function allow(page: Page): Promise<void> {
  const widget = page.frameLocator('#event-link');
  const button = widget.getByRole('button', { name: /allow/i });
  const gmail = widget.getByText('Gmail', { exact: true }).first();
  // A widget that opens at an integration may skip the list.
  await button.or(gmail).first().waitFor();
  if (!(await button.isVisible())) await gmail.click();
  await button.click();
}

async function connectionsOf(emulator: string): Promise<{ id: string }[]> {
  const response = await fetch(`${emulator}/emulator/state`);
  const { connections } = (await response.json()) as {
    connections: { id: string }[];
  };
  return connections;
}
