import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterTest } from '../support/cleanup.js';

/** A copy of what `changeset version` reads and writes, without the changesets that are pending. */
function copyOfRepository(): string {
  const folder = mkdtempSync(join(tmpdir(), 'release-version-'));
  afterTest(() => rmSync(folder, { recursive: true }));
  for (const name of [
    'package.json',
    'package-lock.json',
    'CHANGELOG.md',
    // Not the changes of today.
    '.changeset/config.json',
  ]) {
    cpSync(name, join(folder, name), { recursive: true });
  }
  // A change that waits for its release is none of this test's.
  const changesets = join(folder, '.changeset');
  for (const name of readdirSync(changesets)) {
    if (name.endsWith('.md') && name !== 'README.md') {
      rmSync(join(changesets, name));
    }
  }
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  return folder;
}

describe('changeset version', () => {
  it('adds the section of the new version above the others, and nothing stands between the two', () => {
    const folder = copyOfRepository();
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      version: string;
    };
    writeFileSync(
      join(folder, '.changeset/one-change.md'),
      "---\n'nestjs-pica-authkit': minor\n---\n\nOne change.\n",
    );

    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [resolve('node_modules/@changesets/cli/bin.js'), 'version'],
      { cwd: folder, encoding: 'utf8' },
    );

    expect({ status, stdout, stderr }).toMatchObject({ status: 0 });
    const changelog = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8');
    const [before, added] = changelog.split(`## ${version}`)[0]!.split(/^## /m);
    expect(before!.trim()).toBe('# Changelog');
    expect(added!.trim().split('\n')).toEqual([
      expect.stringMatching(/^\d+\.\d+\.0$/),
      ...['', '### Minor Changes', '', '- One change.'],
    ]);
  });
});
