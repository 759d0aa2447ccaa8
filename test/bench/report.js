// The figures as tables, ratios first.
import { FETCH, MODULE, OFFICIAL, RELAY, RELAY_ALL } from './endpoints.js';
import { LATENCY } from './measures.js';
import { median, quantile, ratio } from './statistics.js';

const ms = (value) =>
  Number.isFinite(value)
    ? `${value.toFixed(value < 10 ? 2 : 0)} ms`
    : 'no token';
const times = (value) => `${value.toFixed(2)}×`;
const trips = (series) => (median(series) / LATENCY).toFixed(2);
const kb = (bytes) => `${(bytes / 1_000).toFixed(1)} KB`;
const mb = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`;

/** @returns the sections of the report: title, explanation, head and rows of a table */
export function sectionsOf(results, libraryName) {
  return [
    ratioSection(results),
    ...(libraryName ? [librarySection(results, libraryName)] : []),
    ...Object.entries(results.latency).map(latencySection),
    ...Object.entries(results.newProcess).map(newProcessSection),
    costSection(results.costs),
    faultSection(results),
    memorySection(results.memory),
  ];
}

export function toMarkdown({ title, text, head, rows }) {
  const row = (cells) => `| ${cells.join(' | ')} |`;
  return [
    `## ${title}\n`,
    ...(text ? [`${text}\n`] : []),
    row(head),
    row(head.map(() => '---')),
    ...rows.map(row),
    '',
  ].join('\n');
}

/** What can be compared between machines, and what has to hold on each. */
function ratioSection({ latency, newProcess, costs, faults, memory }) {
  const plain = (value) => value.toFixed(2);
  const rows = [];
  const add = (what, value, show, aim, isMet) => {
    const verdict = isMet ? 'yes' : '**no**';
    rows.push([what, show(value), aim ?? '–', aim ? verdict : '–']);
  };
  const atLeast = (what, value, aim) =>
    add(what, value, times, aim && `≥ ${times(aim)}`, value >= aim);
  const atMost = (what, value, aim, show = times) =>
    add(
      what,
      value,
      show,
      aim === undefined ? undefined : `≤ ${show(aim)}`,
      value <= aim,
    );

  const faster = { 247: 2.5, 1000: 4 };
  for (const [integrations, { later, first }] of Object.entries(latency)) {
    if (!faster[integrations]) continue;
    const own = later[MODULE];
    const what = `later tokens, ${integrations} integrations`;
    atMost(`${what}: round trips`, median(own) / LATENCY, 1.25, plain);
    const official = ratio(later[OFFICIAL], own);
    atLeast(
      `${what}: faster than the official package`,
      official,
      faster[integrations],
    );
    atLeast(`${what}: faster than the fetch route`, ratio(later[FETCH], own));
    atMost(
      `first token of an app, ${integrations} integrations: round trips`,
      median(first[MODULE]) / LATENCY,
      integrations === '247' ? 1.4 : undefined,
      plain,
    );
  }
  for (const [integrations, took] of Object.entries(newProcess)) {
    atLeast(
      `first token of a new process, ${integrations} integrations: faster than the official package`,
      ratio(took[OFFICIAL], took[MODULE]),
    );
  }
  const of = (name, base) => ratio(costs[name].cpu, costs[base].cpu);
  atMost(`CPU against the ${RELAY}`, of(MODULE, RELAY), 1.4);
  atMost(`CPU against the ${RELAY_ALL}`, of(MODULE, RELAY_ALL));
  atLeast('CPU: less than the official package', of(OFFICIAL, MODULE), 2.2);
  atLeast('CPU: less than the fetch route', of(FETCH, MODULE));
  atMost('calls to Pica per token', median(costs[MODULE].calls), 2.01, plain);
  for (const name of [MODULE]) {
    const { failures, taken } = faults[name];
    const what = `failures under faults (${name}), of ${taken.length}`;
    atMost(what, failures, 0, String);
  }
  for (const name of [MODULE]) {
    const { before, after, tokens } = memory[name];
    atMost(
      `heap after ${tokens} more tokens (${name})`,
      after.heapUsed / before.heapUsed,
      1.1,
    );
  }
  return {
    title: 'Ratios',
    text: 'The ratio of two endpoints is the median of the ratios of single rounds.',
    head: ['measure', 'measured', 'aim', 'holds'],
    rows,
  };
}

/** This module against another copy of it. */
function librarySection({ latency, newProcess, costs, faults }, name) {
  const rows = [];
  const compare = (what, series, own, other, show = ms) =>
    rows.push([
      what,
      show(median(series[other])),
      show(median(series[own])),
      times(ratio(series[other], series[own])),
    ]);
  for (const [integrations, { later, first }] of Object.entries(latency)) {
    const of = `${integrations} integrations`;
    compare(`later tokens, ${of}`, later, MODULE, name);
    compare(`first token of an app, ${of}`, first, MODULE, name);
  }
  for (const [integrations, took] of Object.entries(newProcess)) {
    const of = `${integrations} integrations`;
    compare(`first token of a new process, ${of}`, took, MODULE, name);
  }
  const pick = (field) =>
    Object.fromEntries(
      Object.entries(costs).map(([key, value]) => [key, value[field]]),
    );
  const [cpu, calls, bytes] = ['cpu', 'calls', 'bytes'].map(pick);
  const count = (value) => value.toFixed(2);
  compare('CPU per token', cpu, MODULE, name);
  compare('calls per token', calls, MODULE, name, count);
  compare('bytes per token', bytes, MODULE, name, kb);
  const [own, other] = [faults[MODULE], faults[name]];
  for (const q of [0.5, 0.95, 0.99]) {
    const [before, after] = [other, own].map(({ taken }) => quantile(taken, q));
    rows.push([
      `p${q * 100} under faults`,
      ms(before),
      ms(after),
      Number.isFinite(before) ? times(before / after) : '–',
    ]);
  }
  return {
    title: `This module against ${name}`,
    head: ['measure', name, MODULE, `${name} ÷ ${MODULE}`],
    rows,
  };
}

function latencySection([integrations, { later, first }]) {
  const official = later[OFFICIAL];
  const row = (what, series) => [
    what,
    ms(median(series)),
    trips(series),
    times(ratio(official, series)),
  ];
  return {
    title: `One token, ${integrations} integrations, ${LATENCY} ms per call`,
    text: 'In a warm process. The first token is that of an app that has just started in it.',
    head: [
      'endpoint',
      'time',
      'round trips',
      'faster than the official package',
    ],
    rows: [
      ...Object.entries(later).map(([name, series]) => row(name, series)),
      ...Object.entries(first).map(([name, series]) =>
        row(`${name}: first token`, series),
      ),
    ],
  };
}

function newProcessSection([integrations, took]) {
  return {
    title: `First token of a new process, ${integrations} integrations, ${LATENCY} ms per call`,
    text: 'The time includes the compilation of code that runs for the first time.',
    head: [
      'endpoint',
      'time',
      'round trips',
      'faster than the official package',
    ],
    rows: Object.entries(took).map(([name, series]) => [
      name,
      ms(median(series)),
      trips(series),
      times(ratio(took[OFFICIAL], series)),
    ]),
  };
}

function costSection(costs) {
  const against = (name, base) => ratio(costs[name].cpu, costs[base].cpu);
  return {
    title: 'What a token costs, 247 integrations, 32 clients, no latency',
    text: `\`${RELAY}\` makes the calls that this module makes by default, \`${RELAY_ALL}\` those of the official package; both do nothing else. Bytes include HTTP headers.`,
    head: [
      'endpoint',
      'CPU',
      'of the official package',
      `of the ${RELAY}`,
      `of the ${RELAY_ALL}`,
      'calls to Pica',
      'bytes from Pica',
      'tokens per second',
    ],
    rows: Object.entries(costs).map(([name, { cpu, calls, bytes, rate }]) => [
      name,
      ms(median(cpu)),
      `1/${(1 / against(name, OFFICIAL)).toFixed(2)}`,
      times(against(name, RELAY)),
      times(against(name, RELAY_ALL)),
      median(calls).toFixed(2),
      kb(median(bytes)),
      median(rate).toFixed(0),
    ]),
  };
}

function faultSection({ faults, faultLatency }) {
  return {
    title: `With 1 % resets and 1 % 503 upstream, 247 integrations, 8 clients, ${faultLatency} ms per call`,
    text: 'A response that is no token of all integrations is a failure, whatever its status, and counts as a token that takes for ever.',
    head: ['endpoint', 'p50', 'p95', 'p99', 'failures'],
    rows: Object.entries(faults).map(([name, { taken, failures }]) => [
      name,
      ...[0.5, 0.95, 0.99].map((q) => ms(quantile(taken, q))),
      `${failures} of ${taken.length} (${((100 * failures) / taken.length).toFixed(2)} %)`,
    ]),
  };
}

function memorySection(memory) {
  return {
    title: 'Memory of a warm process',
    text: 'After a garbage collection.',
    head: [
      'endpoint',
      'heap before',
      'heap after',
      'ratio',
      'more tokens',
      'resident after',
    ],
    rows: Object.entries(memory).map(([name, { before, after, tokens }]) => [
      name,
      mb(before.heapUsed),
      mb(after.heapUsed),
      times(after.heapUsed / before.heapUsed),
      tokens,
      mb(after.rss),
    ]),
  };
}
