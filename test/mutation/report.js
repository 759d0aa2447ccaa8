// What a run has found, to read.

const LONGEST = 90;

const brief = (text) => {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > LONGEST
    ? `${line.slice(0, LONGEST)}…`
    : line || '(none)';
};

export const describeMutant = ({
  file,
  line,
  operator,
  original,
  replacement,
}) =>
  `${file}:${line} [${operator}] ${brief(original)} → ${brief(replacement)}`;

const percent = (part, whole) =>
  whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`;

/** Rows of equally wide columns. */
function table(rows) {
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map((row) => String(row[column]).length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0
          ? String(cell).padEnd(widths[column])
          : String(cell).padStart(widths[column]),
      )
      .join('  '),
  );
}

const HEAD = ['mutants', 'killed', 'timed out', 'survived', 'not run', 'score'];

function scores(label, results, groupOf) {
  const row = (name, list) => {
    const count = (outcome) => list.filter((r) => r.outcome === outcome).length;
    const [killed, timedOut] = [count('killed'), count('timed out')];
    return [
      ...[name, list.length, killed, timedOut],
      ...[count('survived'), count('not run')],
      percent(killed + timedOut, list.length),
    ];
  };
  const groups = new Map();
  for (const result of results) {
    const group = groupOf(result);
    groups.set(group, [...(groups.get(group) ?? []), result]);
  }
  return table([
    [label, ...HEAD],
    ...[...groups].map(([name, list]) => row(name, list)).toSorted(byName),
    row('all', results),
  ]);
}

const byName = ([a], [b]) => (a < b ? -1 : 1);

/** @param results `{ mutant, folder, outcome, compiles }` of each mutant */
export function report({ results, total, seed, minutes, failed }) {
  const left = results
    .filter(({ outcome }) => outcome === 'survived' || outcome === 'not run')
    .toSorted(
      ({ mutant: a }, { mutant: b }) =>
        byName([a.file], [b.file]) * Number(a.file !== b.file) ||
        a.start - b.start,
    );
  const list = (title, part) =>
    part.length === 0
      ? []
      : ['', title, ...part.map(({ mutant }) => `  ${describeMutant(mutant)}`)];
  return [
    `${results.length} of ${total} mutants, seed ${seed}, Node ${process.versions.node}, ${minutes} min`,
    ...(failed.length > 0
      ? [`Left out, as they fail without mutants: ${failed.join(', ')}`]
      : []),
    '',
    ...scores('folder', results, ({ folder }) => folder),
    '',
    ...scores('operator', results, ({ mutant }) => mutant.operator),
    ...list(
      'Survivors',
      left.filter((r) => r.outcome === 'survived' && r.compiles),
    ),
    ...list(
      'Survivors that the compiler refuses',
      left.filter((r) => r.outcome === 'survived' && !r.compiles),
    ),
    ...list(
      'In code that no test runs',
      left.filter((r) => r.outcome === 'not run'),
    ),
    '',
  ].join('\n');
}
