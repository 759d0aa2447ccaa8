import { formatRows } from '../install/command.js';
import { DIMENSIONS, type Combination } from './combinations.js';

/** What came of one combination. */
export interface Result {
  readonly combination: Combination;
  /** The version of Nest, or what was to be installed. */
  readonly nestVersion: string;
  /** The version of Node. */
  readonly nodeVersion: string;
  /** The broken clauses of the contract. Empty if the app keeps it. */
  readonly broken: readonly string[];
}

/** The results as a table in Markdown, a column for each Node, with the failures below it. */
export function formatReport(results: readonly Result[]): string {
  const nodes = [...DIMENSIONS.node, 'current'].filter((node) =>
    results.some(({ combination }) => combination.node === node),
  );
  const rows = new Map<string, Map<string, string>>();
  for (const { combination, nestVersion, nodeVersion, broken } of results) {
    const { peers, platform, modules, node } = combination;
    const key = [nestVersion, peers, platform, modules].join(' | ');
    const cells = rows.get(key) ?? new Map<string, string>();
    rows.set(key, cells);
    const mark = broken.length === 0 ? 'ok' : `**${broken.length} broken**`;
    cells.set(node, `${mark} (${nodeVersion.replace(/^v/, '')})`);
  }
  const header = [
    'Nest',
    'peers',
    'platform',
    'modules',
    ...nodes.map((node) => `Node ${node}`),
  ];
  const table = formatRows([
    header,
    ...[...rows].map(([key, cells]) => [
      ...key.split(' | '),
      ...nodes.map((node) => cells.get(node) ?? ''),
    ]),
  ]);
  // An installation that fails, fails all of its combinations alike.
  const failures = new Map<string, string[]>();
  for (const result of results) {
    for (const text of result.broken) {
      failures.set(text, [...(failures.get(text) ?? []), nameOf(result)]);
    }
  }
  const passed = results.filter(({ broken }) => broken.length === 0).length;
  return [
    table,
    `${passed} of ${results.length} combinations keep the contract.`,
    '',
    ...[...failures].flatMap(([text, names]) => [
      `${names.join('; ')}:`,
      '```',
      text.trim(),
      '```',
      '',
    ]),
  ].join('\n');
}

/** A combination in words. */
export function nameOf({
  combination: { peers, platform, modules },
  nestVersion,
  nodeVersion,
}: Result): string {
  return `Nest ${nestVersion}, ${peers} peers, ${platform}, ${modules}, Node ${nodeVersion}`;
}
