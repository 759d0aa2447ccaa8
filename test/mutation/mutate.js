// Mutation testing: `npm run mutate -- --sample 200`. It changes one piece of lib/ at
// a time, in a copy of the tree, and runs the tests that run this piece. A mutant is
// killed when one of them fails, or when they hang. Where all pass, no test looks at
// what the piece does. The score is the share of the killed.
//
//   --folders pica,token   folders of lib/, instead of those below
//   --files retry,deadline only files whose path contains one of these texts
//   --sample 200           so many mutants, spread over the folders, instead of all
//   --seed 2               another sample
//   --minutes 30           starts no mutant after this time
//   --report file          writes the report there too
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { CoverageMap } from './coverage-map.js';
import { Copy } from './jest-runs.js';
import { apply, mutantsOf, shuffle } from './mutants.js';
import { describeMutant, report } from './report.js';
import { typeCheck } from './type-check.js';

const FOLDERS =
  'pica,token,grant,cache,endpoint,identity,core,options,connections';

const { values: options } = parseArgs({
  options: {
    folders: { type: 'string', default: FOLDERS },
    files: { type: 'string', default: '' },
    sample: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: 'Infinity' },
    report: { type: 'string' },
  },
});
const begin = performance.now();
const minutes = () => (performance.now() - begin) / 60_000;

const copy = new Copy();
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    stopped = true;
    copy.stop();
  });
}
process.once('exit', () => copy.remove());

/** Text by name, of a folder's files. */
function filesOf(folder) {
  const path = join('lib', folder);
  if (!existsSync(join(copy.tree, path))) return [];
  const wanted = options.files.split(',');
  return readdirSync(join(copy.tree, path), { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(path, name))
    .filter((file) => wanted.some((part) => file.includes(part)))
    .toSorted()
    .map((file) => [file, readFileSync(join(copy.tree, file), 'utf8')]);
}

/** Takes from the folders in turn: the same number of each, as far as they have it. */
function inTurn(folders, size) {
  const longest = Math.max(...folders.map(({ mutants }) => mutants.length));
  const taken = [];
  for (let round = 0; round < longest; round += 1)
    for (const { folder, mutants } of folders)
      if (mutants[round]) taken.push({ folder, mutant: mutants[round] });
  return taken.slice(0, size);
}

const folders = options.folders.split(',').map((folder) => ({
  folder,
  files: filesOf(folder),
}));
const files = new Map(folders.flatMap((each) => each.files));
for (const each of folders)
  each.mutants = shuffle(
    each.files.flatMap(([file, text]) => mutantsOf(file, text)),
    options.seed,
  );
const total = folders.reduce((sum, { mutants }) => sum + mutants.length, 0);
const sample = inTurn(folders, Number(options.sample));
if (sample.length === 0) throw new Error('No file has a mutant.');
console.log(`${sample.length} of ${total} mutants in ${files.size} files.`);

const coverage = await CoverageMap.collect(copy, files);
console.log(
  `${coverage.specs.size} spec files, after ${minutes().toFixed(1)} min.`,
);

async function tryOut(mutant) {
  const task = coverage.taskFor(mutant);
  if (!task) return { outcome: 'not run' };
  const text = files.get(mutant.file);
  copy.write(mutant.file, apply(mutant, text));
  try {
    const { killed, timedOut, by } = await copy.run(task);
    if (timedOut) return { outcome: 'timed out' };
    return { outcome: killed ? 'killed' : 'survived', by };
  } finally {
    copy.write(mutant.file, text);
  }
}

const results = [];
for (const { folder, mutant } of sample) {
  if (stopped || minutes() > Number(options.minutes)) break;
  const started = performance.now();
  const { outcome, by } = await tryOut(mutant);
  if (stopped) break;
  results.push({ folder, mutant, outcome });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const place = `${results.length}/${sample.length}`;
  console.log(`${place} ${outcome}, ${seconds} s: ${describeMutant(mutant)}`);
  if (outcome === 'killed')
    console.log(`    by ${by ?? 'a spec file that does not start'}`);
}

const compiles = typeCheck(copy.tree);
for (const result of results) {
  const { mutant, outcome } = result;
  if (outcome === 'survived')
    result.compiles = compiles(
      mutant.file,
      apply(mutant, files.get(mutant.file)),
    );
}
const text = report({
  ...{ results, total, seed: options.seed },
  minutes: Math.round(minutes()),
  failed: [...coverage.failed],
});
console.log(`\n${text}`);
if (options.report) {
  mkdirSync(dirname(options.report), { recursive: true });
  writeFileSync(options.report, text);
}
