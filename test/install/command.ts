import { appendFile, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseOnly } from './only.js';
import { pack } from './packed-package.js';

/** What a run gets. */
export interface Run<Name extends string> {
  /** The values that `--only` leaves of each dimension that it names. */
  readonly only: Partial<Record<Name, string[]>>;
  /** The Node to run apps with: a version, or `current`. */
  readonly node: string;
  /** The folder that is removed at the end, unless `--keep` is given. */
  readonly directory: string;
  readonly keep: boolean;
  readonly tarball: string;
}

/** What came of one app. */
export interface Outcome {
  /** In words, with what is broken below. */
  readonly text: string;
  readonly isBroken: boolean;
}

/**
 * Runs a command that installs the package into fresh apps:
 * `-- [--only name=value,…] [--node 22] [--report file.md] [--tarball file.tgz] [--keep]`.
 * It packs the package unless there is a tarball, prints each outcome, adds the table to the report, and exits
 * with 1 if an app is broken, with 2 if an argument is not valid.
 */
export async function runCommand<Name extends string>(
  dimensions: Readonly<Record<Name, readonly string[]>>,
  run: (run: Run<Name>) => AsyncIterable<Outcome>,
  formatTable: () => string,
): Promise<void> {
  const { only, report, keep, node, tarball } = readArguments(dimensions);
  const directory = await realpath(
    await mkdtemp(join(tmpdir(), 'authkit-apps-')),
  );
  let isInterrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The current app ends first, so that nothing of it is left. A second signal ends this process.
    process.once(signal, () => (isInterrupted = true));
  }
  let isBroken = false;
  try {
    const packed = tarball ? resolve(tarball) : (await pack(directory)).tarball;
    const outcomes = run({ only, node, directory, keep, tarball: packed });
    for await (const outcome of outcomes) {
      isBroken ||= outcome.isBroken;
      console.log(outcome.text);
      if (isInterrupted) break;
    }
  } finally {
    if (!keep) await rm(directory, { recursive: true, force: true });
  }
  const table = formatTable();
  console.log(`\n${table}`);
  if (report) await appendFile(report, table);
  process.exitCode = isBroken || isInterrupted ? 1 : 0;
}

function readArguments<Name extends string>(
  dimensions: Readonly<Record<Name, readonly string[]>>,
) {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        node: { type: 'string', default: 'current' },
        report: { type: 'string' },
        tarball: { type: 'string' },
        keep: { type: 'boolean', default: false },
      },
    });
    return { ...values, only: parseOnly(values.only, dimensions) };
  } catch (error) {
    console.error((error as Error).message);
    return process.exit(2);
  }
}

/** Rows of cells in Markdown, the first as the header. */
export const formatRows = ([
  header = [],
  ...rows
]: readonly (readonly string[])[]) =>
  [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');
