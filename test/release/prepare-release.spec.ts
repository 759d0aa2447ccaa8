import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
};

function prepare(environment: Record<string, string>) {
  return spawnSync(
    process.execPath,
    ['scripts/prepare-release.js', '--dry-run'],
    { encoding: 'utf8', env: environment },
  );
}

const WORKFLOW = {
  GITHUB_SERVER_URL: 'https://git.example',
  GITHUB_REPOSITORY: 'someone/authkit',
  GITHUB_REF_NAME: `v${version}`,
};

describe('scripts/prepare-release.js --dry-run', () => {
  const { status, stdout } = prepare(WORKFLOW);
  const [, manifest, readme] = stdout.split(/^--- .*\n/m);

  it('writes the address of the repository that the workflow runs in into package.json', () => {
    expect(status).toBe(0);
    expect(JSON.parse(manifest!)).toMatchObject({
      name: 'nestjs-pica-authkit',
      repository: { url: 'git+https://git.example/someone/authkit.git' },
      homepage: 'https://git.example/someone/authkit#readme',
      bugs: { url: 'https://git.example/someone/authkit/issues' },
    });
  });

  it('makes every relative link of the README absolute, and leaves no link to a file that does not exist', () => {
    const blob = `https://git.example/someone/authkit/blob/v${version}/`;
    const raw = `https://git.example/someone/authkit/raw/v${version}/`;
    const links = [...readme!.matchAll(/\]\(([^()\s]+)\)|src="([^"]+)"/g)].map(
      (match) => (match[1] ?? match[2])!,
    );
    const files = links
      .filter((link) => link.startsWith(blob) || link.startsWith(raw))
      .map((link) =>
        link.slice(link.startsWith(blob) ? blob.length : raw.length),
      );

    expect(links.filter((link) => !/^(?:https:|#)/.test(link))).toEqual([]);
    expect(files.length).toBeGreaterThan(1);
    expect(files.filter((file) => !existsSync(file.split('#')[0]!))).toEqual(
      [],
    );
  });

  it('changes nothing', () => {
    expect(readFileSync('package.json', 'utf8')).not.toContain('git.example');
    expect(readFileSync('README.md', 'utf8')).not.toContain('git.example');
  });

  it.each([
    [
      'outside a workflow',
      {},
      /GITHUB_SERVER_URL is "".*Run this in a GitHub workflow/,
    ],
    [
      'where the tag is not the version',
      { ...WORKFLOW, GITHUB_REF_NAME: 'v99.0.0' },
      /The tag is "v99\.0\.0", but package\.json has version .*Tag the commit/,
    ],
  ])('says what to do %s', (_, environment, message) => {
    const { status, stderr } = prepare(environment);

    expect(status).toBe(1);
    expect(stderr).toMatch(message);
  });
});
