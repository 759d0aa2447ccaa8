// Our endpoint and the same endpoint around the official package, alternating in
// one run against the same upstream: `npm run bench [quick]`. Ratios, not times,
// are what can be compared between machines.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform, totalmem } from 'node:os';
import { chart } from './chart.js';
import { load, one } from './load.js';

const QUICK = process.argv[2] === 'quick';
const SECRET = 'sk_test_bench';
const LATENCIES = [0, 20, 50, 150];
const CATALOGUES = [20, 247, 1000];
const ROUNDS = QUICK ? 3 : 7;
const require = createRequire(import.meta.url);
const here = (file) => new URL(file, import.meta.url);

const children = [];
const start = async (file, args, execArgv = []) => {
  const child = fork(here(file), args, { execArgv });
  children.push(child);
  const [hello] = await once(child, 'message');
  const ask = async (message = {}) => {
    child.send(message);
    const [answer] = await once(child, 'message');
    return answer;
  };
  return { hello, ask, stop: () => child.kill() };
};

const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? sorted[middle]
    : (sorted[middle - 1] + sorted[middle]) / 2;
};
const quantile = (values, q) =>
  values.toSorted((a, b) => a - b)[
    Math.min(values.length - 1, Math.floor(values.length * q))
  ];

const upstream = await start('upstream.js', [SECRET]);
const startServer = (kind) =>
  start('server.js', [kind, upstream.hello.url, SECRET], ['--expose-gc']);

const report = [];
const section = (title, head, rows) => {
  const lines = [
    `| ${head.join(' | ')} |`,
    `| ${head.map(() => '---').join(' | ')} |`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ];
  console.log(`\n${title}\n${lines.join('\n')}`);
  report.push(`## ${title}\n\n${lines.join('\n')}\n`);
};
/** What we promise ourselves, as ratios that hold on any machine. */
const bars = [];
const atLeast = (what, value, bar) =>
  bars.push([what, times(value), `≥ ${bar}×`, value >= bar]);
const atMost = (what, value, bar, show = times) =>
  bars.push([what, show(value), `≤ ${show(bar)}`, value <= bar]);
const ms = (value) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
const times = (value) => `${value.toFixed(2)}×`;

try {
  const latencies = await latency();
  await costs();
  await faults();
  await memory();
  section(
    'The bars',
    ['measure', 'measured', 'bar', ''],
    bars.map(([what, value, bar, holds]) => [
      what,
      value,
      bar,
      holds ? 'holds' : '**missed**',
    ]),
  );
  write(latencies);
} finally {
  for (const child of children) child.kill();
}

/** (a) and (c): how long one token takes, alone; how many calls it makes. */
async function latency() {
  const ours = await startServer('ours');
  const official = await startServer('official');
  const rows = [];
  const pictured = [];
  for (const integrations of CATALOGUES) {
    for (const latency of LATENCIES) {
      await upstream.ask({ latency, integrations });
      const taken = { first: [], later: [], official: [] };
      for (let round = 0; round < ROUNDS; round += 1) {
        const { url } = await ours.ask({ restart: true });
        taken.first.push(await one(url));
        taken.later.push(await one(url));
        taken.official.push(await one((await official.ask()).url));
      }
      await upstream.ask({ count: true });
      await one((await ours.ask()).url);
      const { calls } = await upstream.ask({ count: true });
      await one((await official.ask()).url);
      const { calls: officialCalls } = await upstream.ask({ count: true });
      const [first, later, theirs] = [
        taken.first,
        taken.later,
        taken.official,
      ].map(median);
      rows.push([
        integrations,
        `${latency} ms`,
        ms(theirs),
        ms(first),
        ms(later),
        times(theirs / first),
        times(theirs / later),
        latency ? (later / latency).toFixed(2) : '–',
        `${calls} / ${officialCalls}`,
      ]);
      if (latency !== 50) continue;
      pictured.push({ integrations, theirs, first, later });
      if (integrations === 20) continue;
      const [firstBar, laterBar] = integrations === 247 ? [1.4, 2.5] : [2, 4];
      const what = `${integrations} integrations, 50 ms per call`;
      atLeast(`first token, ${what}: faster by`, theirs / first, firstBar);
      atLeast(`later tokens, ${what}: faster by`, theirs / later, laterBar);
      atMost(`later tokens, ${what}: round trips`, later / latency, 1.25, (n) =>
        n.toFixed(2),
      );
    }
  }
  section(
    'Latency of one token',
    [
      'integrations',
      'per upstream call',
      'official package',
      'ours, first token',
      'ours, later tokens',
      'first: faster by',
      'later: faster by',
      'round trips (later)',
      'upstream calls, ours / official',
    ],
    rows,
  );
  ours.stop();
  official.stop();
  return pictured;
}

/** (b) and (f): what a token costs the server, the load and the upstream in processes of their own. */
async function costs() {
  await upstream.ask({ latency: 0, integrations: 247 });
  const kinds = ['official', 'ours, no hint', 'ours', 'ours, cached', 'relay'];
  const servers = {};
  for (const kind of kinds) {
    servers[kind] = await startServer(kind);
    const { url } = await servers[kind].ask();
    await load(url, { clients: 32, tokens: 1_500 }); // warm, or the compiler is measured
  }
  const cpu = Object.fromEntries(kinds.map((kind) => [kind, []]));
  const rate = Object.fromEntries(kinds.map((kind) => [kind, []]));
  const calls = {};
  const tokens = QUICK ? 400 : 800;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const kind of kinds) {
      const before = await servers[kind].ask();
      await upstream.ask({ count: true });
      const { seconds, failures } = await load(before.url, {
        clients: 32,
        tokens,
      });
      const after = await servers[kind].ask();
      if (failures)
        throw new Error(`${kind}: ${failures} failures without a fault`);
      const spent =
        after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system;
      cpu[kind].push(spent / 1000 / tokens);
      rate[kind].push(tokens / seconds);
      calls[kind] = (await upstream.ask({ count: true })).calls / tokens;
    }
  }
  const base = median(cpu.official);
  const floor = median(cpu.relay);
  const own = median(cpu.ours);
  const cached = median(cpu['ours, cached']);
  atLeast('server CPU, no cache: less by', base / own, 1.25);
  atLeast('server CPU, cached: less by', base / cached, 2.2);
  atMost('upstream calls, cached', calls['ours, cached'], 1, (n) => String(n));
  atMost('server CPU against the bare relay', own / floor, 1.4);
  section(
    'Server CPU per token, 247 integrations, 32 clients, no latency',
    [
      'endpoint',
      'CPU per token',
      'against the official package',
      'against the bare relay',
      'tokens per second',
      'upstream calls per token',
    ],
    kinds.map((kind) => {
      const own = median(cpu[kind]);
      return [
        kind,
        ms(own),
        `1/${(base / own).toFixed(2)}`,
        times(own / floor),
        median(rate[kind]).toFixed(0),
        calls[kind].toFixed(2),
      ];
    }),
  );
  for (const server of Object.values(servers)) server.stop();
}

/** (d): what clients see of 1 % resets and 1 % 503 upstream. */
async function faults() {
  await upstream.ask({ latency: 5, integrations: 247, faults: true });
  const tokens = QUICK ? 1_000 : 10_000;
  const rows = [];
  for (const kind of ['official', 'ours']) {
    const server = await startServer(kind);
    const { url } = await server.ask();
    const count = kind === 'official' ? Math.min(tokens, 3_000) : tokens;
    const { taken, failures } = await load(url, { clients: 16, tokens: count });
    rows.push([
      kind,
      ...[0.5, 0.95, 0.99].map((q) => ms(quantile(taken, q))),
      `${failures} of ${count}`,
    ]);
    server.stop();
    if (kind === 'ours') {
      atMost(`clients without a token, of ${count}`, failures, 0, String);
    }
  }
  await upstream.ask({ faults: false });
  section(
    'With 1 % resets and 1 % 503 upstream, 5 ms per call',
    ['endpoint', 'p50', 'p95', 'p99', 'clients without a token'],
    rows,
  );
}

/** (e): whether anything piles up. */
async function memory() {
  await upstream.ask({ latency: 0, integrations: 247 });
  const server = await startServer('ours');
  const { url } = await server.ask();
  const heapAfter = async (tokens) => {
    await load(url, { clients: 16, tokens });
    const { memory } = await server.ask({ measure: true });
    return memory;
  };
  const early = await heapAfter(2_000);
  const late = await heapAfter(QUICK ? 2_000 : 18_000);
  atMost('memory (heap): ratio', late.heapUsed / early.heapUsed, 1.1);
  const mb = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  section(
    'Memory of the server',
    [
      '',
      'after 2,000 tokens',
      `after ${QUICK ? '4,000' : '20,000'} tokens`,
      'ratio',
    ],
    ['heapUsed', 'rss'].map((name) => [
      name,
      mb(early[name]),
      mb(late[name]),
      (late[name] / early[name]).toFixed(2),
    ]),
  );
  server.stop();
}

function write(latencies) {
  if (QUICK) return;
  const versionOf = (name) => require(`${name}/package.json`).version;
  const machine = [
    `${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${platform()} ${arch()}`,
    `Node ${process.version}`,
    `@picahq/authkit-token ${versionOf('@picahq/authkit-token')}`,
    `axios ${versionOf('axios')}`,
  ].join(', ');
  writeFileSync(
    here('results.md'),
    `# Benchmark\n\nBy \`npm run bench\` on ${machine}.\nMedians of ${ROUNDS} alternating rounds in one run; the server, the upstream and the load in processes of their own.\n\n${report.join('\n')}`,
  );
  writeFileSync(here('latency.svg'), chart(latencies));
}
