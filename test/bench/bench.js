// Measures this module beside the official package, a fetch route and a bare relay. See README.md.
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chart } from './chart.js';
import {
  copyLibrary,
  LIBRARY_COPY,
  listEndpoints,
  MODULE,
} from './endpoints.js';
import { Bench } from './measures.js';
import { stopAll } from './processes.js';
import { sectionsOf, toMarkdown } from './report.js';

/** Rounds of each measure, and the end of each load. After `limit` seconds the run is stopped. */
const MODES = {
  full: {
    limit: 20 * 60,
    warmUp: { tokens: 1_500, seconds: 15 },
    latency: { 20: 21, 247: 31, 1000: 31 },
    newProcess: { 247: 5, 1000: 5 },
    costs: [6, { tokens: 300, seconds: 2 }, { tokens: 1_000, seconds: 3 }],
    memory: { tokens: 20_000, seconds: 20 },
    faults: [5, { seconds: 3 }],
  },
  quick: {
    limit: 6 * 60,
    warmUp: { tokens: 400, seconds: 8 },
    latency: { 247: 5, 1000: 5 },
    newProcess: { 1000: 1 },
    costs: [3, { tokens: 100, seconds: 1 }, { tokens: 250, seconds: 3 }],
    memory: { tokens: 1_000, seconds: 1 },
    faults: [2, { seconds: 1 }],
  },
};
const FAULT_LATENCY = 20;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { lib: { type: 'string' }, out: { type: 'string' } },
});
const [mode = 'full'] = positionals;
if (positionals.length > 1 || !Object.hasOwn(MODES, mode)) {
  console.error(
    `bench: given ${positionals.join(' ')}; expected [quick] [--lib <folder>] [--out <folder>]`,
  );
  process.exit(2);
}
const plan = MODES[mode];
// A quick run measures too little to be published.
const out =
  values.out ??
  (mode === 'full' ? fileURLToPath(new URL('.', import.meta.url)) : undefined);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(1));
}
process.on('exit', () =>
  rmSync(LIBRARY_COPY, { recursive: true, force: true }),
);
setTimeout(() => {
  console.error(`bench: stopped, since it takes more than ${plan.limit} s`);
  process.exit(1);
}, plan.limit * 1_000).unref();

const started = performance.now();
const progress = (what) =>
  console.error(
    `${((performance.now() - started) / 1_000).toFixed(0).padStart(4)} s  ${what}`,
  );

try {
  await run();
} finally {
  stopAll();
}

async function run() {
  const library = values.lib ? copyLibrary(values.lib) : undefined;
  const modules = library ? [MODULE, library.name] : [MODULE];
  const bench = new Bench(listEndpoints(library), modules);
  progress('processes start and warm up');
  await bench.start(plan.warmUp);

  const results = { latency: {}, newProcess: {}, faultLatency: FAULT_LATENCY };
  for (const [integrations, rounds] of Object.entries(plan.latency)) {
    progress(`latency, ${integrations} integrations`);
    const latency = await bench.latency(Number(integrations), rounds);
    results.latency[integrations] = latency;
  }
  progress('costs');
  results.costs = await bench.costs(...plan.costs);
  progress('memory');
  results.memory = await bench.memory(plan.memory);
  progress('faults');
  results.faults = await bench.faults(FAULT_LATENCY, ...plan.faults);
  for (const [integrations, rounds] of Object.entries(plan.newProcess)) {
    progress(`first token of a new process, ${integrations} integrations`);
    const took = await bench.newProcess(Number(integrations), rounds);
    results.newProcess[integrations] = took;
  }
  progress('done');

  const sections = sectionsOf(results, library?.name).map(toMarkdown);
  console.log(`\n${sections.join('\n')}`);
  if (out) write(sections, results);
}

function write(sections, { latency }) {
  const folder = resolve(out);
  const require = createRequire(import.meta.url);
  const versionOf = (name) => require(`${name}/package.json`).version;
  const machine = [
    `${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${platform()} ${arch()}`,
    `Node ${process.version}`,
    `@picahq/authkit-token ${versionOf('@picahq/authkit-token')}`,
    `axios ${versionOf('axios')}`,
  ].join(', ');
  const text = [
    '# Benchmark',
    `By \`npm run bench\`${mode === 'full' ? '' : ` ${mode}`} on ${machine}.`,
    'All in one run. Each endpoint, the upstream and the load have a process of their own; the endpoints take turns. Times are medians. Compare ratios, not times, between machines.',
    sections.join('\n'),
  ].join('\n\n');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'results.md');
  // The section of calls.js stays.
  const previous = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const calls = /\n## Calls to platforms\n.*$/s.exec(previous)?.[0] ?? '';
  writeFileSync(file, text + calls);
  writeFileSync(join(folder, 'latency.svg'), chart(latency));
}
