/**
 * `npm run test:release`: the way of a release from end to end, in a copy of the repository and against a registry
 * on 127.0.0.1: a changeset, the version, the build, the publication without provenance, the installation into a
 * fresh app, and a token of that app.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FreshApp } from '../install/fresh-app.js';
import { copyRepository } from '../install/packed-package.js';
import { ROOT, bareEnvironment, execute, run } from '../install/run.js';
import { startApp } from '../install/start.js';
import { freePort } from '../support/free-port.js';

const CHANGE = 'A change that this test releases.';

const directory = await realpath(
  await mkdtemp(join(tmpdir(), 'authkit-release-')),
);
const stops: (() => Promise<unknown>)[] = [];
try {
  await release();
} finally {
  for (const stop of stops.reverse()) await stop();
  await rm(directory, { recursive: true, force: true });
}

async function release(): Promise<void> {
  const copy = await copyRepository(directory);
  await writeFile(
    join(copy, '.changeset/of-this-test.md'),
    `---\n'nestjs-pica-authkit': minor\n---\n\n${CHANGE}\n`,
  );
  const before = await versionOf(copy);
  await run(copy, 'npm', 'run', 'release:version');
  const version = await versionOf(copy);
  const changelog = await readFile(join(copy, 'CHANGELOG.md'), 'utf8');
  assert.notEqual(version, before);
  assert.match(changelog, new RegExp(`^# Changelog\\s+## ${version}\\n`));
  assert.match(changelog.split(`## ${before}`)[0]!, new RegExp(CHANGE));
  console.log(`ok     version: ${before} is now ${version}`);

  const registry = await startRegistry();
  const env = {
    ...bareEnvironment(),
    npm_config_registry: registry,
    GITHUB_SERVER_URL: 'https://git.example',
    GITHUB_REPOSITORY: 'someone/nestjs-pica-authkit',
    GITHUB_REF_NAME: `v${version}`,
  };
  // npm wants a token. The registry takes anybody's.
  await writeFile(
    join(copy, '.npmrc'),
    `${registry.slice(5)}/:_authToken=of-nobody\n`,
  );
  await execute({ cwd: copy, env }, 'node', 'scripts/prepare-release.js');
  await execute({ cwd: copy, env }, 'npm', 'publish', '--provenance=false');
  console.log('ok     build and publish');

  // What npm is told by its environment reaches the app's installation.
  process.env.npm_config_registry = registry;
  const app = new FreshApp(
    'nest12-esm',
    join(directory, 'app'),
    `nestjs-pica-authkit@${version}`,
  );
  stops.push(() => app.stop());
  await app.installed;
  assert.equal(await versionOf(app.packageDirectory), version);
  const { homepage } = JSON.parse(
    await readFile(join(app.packageDirectory, 'package.json'), 'utf8'),
  );
  assert.match(homepage, /^https:\/\/git\.example\/someone\//);
  console.log('ok     install');

  await app.built;
  const url = await app.start();
  const response = await fetch(`${url}/authkit-token`, {
    method: 'POST',
    headers: { authorization: 'Bearer ada' },
  });
  assert.equal(response.status, 200);
  assert.equal((await response.json()).total, 101);
  console.log('ok     boot, and a token');
}

async function versionOf(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'package.json'), 'utf8');
  return JSON.parse(text).version;
}

/** Starts a registry that has what is published to it, and all others from npm's own. */
async function startRegistry(): Promise<string> {
  const upstream = await run(directory, 'npm', 'config', 'get', 'registry');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(directory, 'registry.yaml');
  await writeFile(
    config,
    JSON.stringify({
      storage: join(directory, 'registry'),
      uplinks: { npm: { url: upstream.trim(), cache: false } },
      packages: {
        'nestjs-pica-authkit': { access: '$all', publish: '$all' },
        '**': { access: '$all', proxy: 'npm' },
      },
      max_body_size: '50mb',
      log: { type: 'stdout', format: 'pretty', level: 'warn' },
    }),
  );
  const { stop } = await startApp(
    [
      process.execPath,
      join(ROOT, 'node_modules/verdaccio/bin/verdaccio'),
      ...['--config', config, '--listen', `127.0.0.1:${port}`],
    ],
    { cwd: directory, env: bareEnvironment() },
    () =>
      fetch(`${url}/-/ping`).then(
        ({ ok }) => (ok ? true : undefined),
        () => undefined,
      ),
  );
  stops.push(stop);
  return url;
}
