/** What one check has found. */
export interface Finding {
  /** `undefined` where it could not be checked. */
  readonly isOk: boolean | undefined;
  /** What was checked. */
  readonly name: string;
  readonly text: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** The findings about a key or an endpoint. */
export interface Section {
  readonly title: string;
  readonly findings: readonly Finding[];
}

export function ok(name: string, text: string): Finding {
  return { isOk: true, name, text };
}

export function wrong(name: string, text: string, fix: string): Finding {
  return { isOk: false, name, text, fix };
}

export function unchecked(name: string, text: string): Finding {
  return { isOk: undefined, name, text };
}

export function countProblems(sections: readonly Section[]): number {
  return sections
    .flatMap(({ findings }) => findings)
    .filter(({ isOk }) => isOk === false).length;
}

const WIDTH = 80;
const INDENT = '    ';
const MIN_SECRET_LENGTH = 4;

/**
 * Formats the findings for a terminal.
 *
 * @param secrets strings that the report must not show, whatever a server says
 */
export function formatReport(
  sections: readonly Section[],
  secrets: readonly string[],
): string {
  const problems = countProblems(sections);
  const outcome =
    problems === 0
      ? 'Nothing is wrong.'
      : `${problems} ${problems === 1 ? 'thing is' : 'things are'} wrong.`;
  const lines = sections.flatMap((section) =>
    formatSection(hideSecrets(section, secrets)),
  );
  return `${[...lines, outcome].join('\n')}\n`;
}

/** Hides the secrets before the lines are broken, which might break a secret. */
function hideSecrets(section: Section, secrets: readonly string[]): Section {
  const hide = (text: string) =>
    secrets
      // A shorter one, such as a user id of one digit, would hide half of the report.
      .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
      .reduce((shown, secret) => shown.replaceAll(secret, '[hidden]'), text);
  return {
    title: hide(section.title),
    findings: section.findings.map(({ text, fix, ...finding }) => ({
      ...finding,
      text: hide(text),
      fix: fix && hide(fix),
    })),
  };
}

function formatSection({ title, findings }: Section): string[] {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ isOk, name, text, fix }) => [
    ...wrap(`  ${markOf(isOk)} ${name.padEnd(width)}  ${text}`, width + 6),
    ...(fix ? wrap(`${INDENT}→ ${fix}`, INDENT.length + 2) : []),
  ]);
  return [title, ...lines, ''];
}

function markOf(isOk: boolean | undefined): string {
  if (isOk === undefined) return '–';
  return isOk ? '✓' : '✗';
}

/** Breaks a line between words. All but the first begin with `indent` spaces. */
function wrap(line: string, indent: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > WIDTH) {
    const at = rest.lastIndexOf(' ', WIDTH);
    if (at <= indent) break;
    lines.push(rest.slice(0, at));
    rest = ' '.repeat(indent) + rest.slice(at + 1);
  }
  return [...lines, rest];
}
