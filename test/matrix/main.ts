/**
 * `npm run test:matrix -- [--only nest=11,node=22] [--report file.md] [--tarball file.tgz]`:
 * packs the package, unless there is a tarball, installs it into an app of each Nest with the lowest and the
 * newest peers, and verifies the contract on each platform, kind of modules and Node.
 */
import { appendFile, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pack } from '../package/packed-package.js';
import { parseFilter } from './combinations.js';
import { formatReport, nameOf, type Result } from './report.js';
import { runMatrix } from './run-matrix.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    report: { type: 'string' },
    tarball: { type: 'string' },
  },
});
const filter = parseFilter(values.only);

const directory = await realpath(
  await mkdtemp(join(tmpdir(), 'authkit-matrix-')),
);
let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The current combination ends first, so that nothing of its app is left. A second signal ends this process.
  process.once(signal, () => (isInterrupted = true));
}
const results: Result[] = [];
try {
  const tarball = values.tarball
    ? resolve(values.tarball)
    : (await pack(directory)).tarball;
  for await (const result of runMatrix(filter, directory, tarball)) {
    results.push(result);
    const verdict = result.broken.length === 0 ? 'ok    ' : 'BROKEN';
    console.log(
      [`${verdict} ${nameOf(result)}`, ...result.broken].join('\n  '),
    );
    if (isInterrupted) break;
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

const report = formatReport(results);
console.log(`\n${report}`);
if (values.report) await appendFile(values.report, report);
const isKept = results.every(({ broken }) => broken.length === 0);
process.exitCode = isKept && !isInterrupted ? 0 : 1;
