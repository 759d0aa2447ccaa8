import { formatRows } from '../install/command.js';

/** What came of one app. */
export interface Result {
  readonly nest: string;
  readonly manager: string;
  readonly seconds: number;
  /** The step that failed, and why. */
  readonly failure?: { readonly step: string; readonly reason: string };
}

/** A result in words. */
export function formatResult({
  nest,
  manager,
  seconds,
  failure,
}: Result): string {
  const name = `Nest ${nest}, ${manager} (${seconds} s)`;
  if (!failure) return `ok     ${name}`;
  return `BROKEN ${name}: ${failure.step}\n${failure.reason}`;
}

/** The results in Markdown, a row for each package manager and a column for each Nest. */
export function formatTable(results: readonly Result[]): string {
  const versions = [...new Set(results.map(({ nest }) => nest))];
  const managers = [...new Set(results.map(({ manager }) => manager))];
  const rows = managers.map((manager) => [
    manager,
    ...versions.map((nest) => {
      const isOf = (each: Result) =>
        each.manager === manager && each.nest === nest;
      const result = results.find(isOf);
      if (!result) return '';
      const { failure } = result;
      return failure ? `**${failure.step}**` : 'ok';
    }),
  ]);
  const header = ['', ...versions.map((nest) => `Nest ${nest}`)];
  return formatRows([header, ...rows]);
}
