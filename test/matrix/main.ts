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

const { filter, report, tarball: given } = readArguments();

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
  const tarball = given ? resolve(given) : (await pack(directory)).tarball;
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

const table = formatReport(results);
console.log(`\n${table}`);
if (report) await appendFile(report, table);
const isKept = results.every(({ broken }) => broken.length === 0);
process.exitCode = isKept && !isInterrupted ? 0 : 1;

/** Exits with 2 and the reason if an argument is not valid. */
function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        report: { type: 'string' },
        tarball: { type: 'string' },
      },
    });
    return { ...values, filter: parseFilter(values.only) };
  } catch (error) {
    console.error((error as Error).message);
    return process.exit(2);
  }
}
