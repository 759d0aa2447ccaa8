/**
 * Prepares a release in the workflow that publishes it: writes `repository`,
 * `homepage` and `bugs` into package.json, and makes the README's relative links
 * absolute, since npm shows only those. The repository is the one that the
 * workflow runs in, so that a fork releases with its own address.
 *
 *   node scripts/prepare-release.js             writes both files
 *   node scripts/prepare-release.js --dry-run   prints what it would write
 *
 * It reads what GitHub Actions sets: GITHUB_SERVER_URL, GITHUB_REPOSITORY
 * (owner/name) and GITHUB_REF_NAME, the tag: `v` and the version of package.json.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const dryRun = process.argv.includes('--dry-run');
const root = new URL('../', import.meta.url);
const read = (name) => readFileSync(new URL(name, root), 'utf8');

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function required(name, pattern, form) {
  const value = process.env[name] ?? '';
  if (!pattern.test(value))
    fail(
      `${name} is ${JSON.stringify(value)}; expected ${form}. Run this in a GitHub workflow, or set it.`,
    );
  return value;
}

const server = required('GITHUB_SERVER_URL', /^https:\/\/[\w.-]+$/, 'a URL');
const repository = required(
  'GITHUB_REPOSITORY',
  /^[\w.-]+\/[\w.-]+$/,
  'owner/name',
);
const manifest = JSON.parse(read('package.json'));
const tag = `v${manifest.version}`;
if (process.env.GITHUB_REF_NAME !== tag)
  fail(
    `The tag is ${JSON.stringify(process.env.GITHUB_REF_NAME)}, but package.json has version ${manifest.version}. Tag the commit of the version as ${tag}.`,
  );

const home = `${server}/${repository}`;
manifest.repository = { type: 'git', url: `git+${home}.git` };
manifest.homepage = `${home}#readme`;
manifest.bugs = { url: `${home}/issues` };

const isRelative = (link) => !/^(?:[a-z][a-z\d+.-]*:|#|\/)/i.test(link);
const page = (link) =>
  isRelative(link) ? `${home}/blob/${tag}/${link}` : link;
const file = (link) => (isRelative(link) ? `${home}/raw/${tag}/${link}` : link);
const readme = read('README.md')
  .split(/(^```[\s\S]*?^```)/m)
  .map((part, index) =>
    // Every second part is a block of code.
    index % 2 === 1
      ? part
      : part
          .replaceAll(
            /(!?)\[([^\]]*)\]\(([^()\s]+)\)/g,
            (_, image, text, link) =>
              `${image}[${text}](${image ? file(link) : page(link)})`,
          )
          .replaceAll(
            /(<img\b[^>]*\bsrc=")([^"]+)"/g,
            (_, tag_, link) => `${tag_}${file(link)}"`,
          ),
  )
  .join('');

const files = {
  'package.json': `${JSON.stringify(manifest, undefined, 2)}\n`,
  'README.md': readme,
};
for (const [name, content] of Object.entries(files)) {
  if (dryRun) process.stdout.write(`--- ${name}\n${content}`);
  else writeFileSync(new URL(name, root), content);
}
