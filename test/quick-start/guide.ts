import { readFileSync } from 'node:fs';

/** The variants of the guide. */
export const VARIANTS = ['cookie', 'fastify', 'bearer'] as const;
export type Variant = (typeof VARIANTS)[number];

/** The app that the guide makes. */
export interface GuideApp {
  /** The files by their paths. */
  readonly files: Readonly<Record<string, string>>;
  /** What its commands install, as npm takes them. */
  readonly packages: readonly string[];
}

const GUIDE = 'docs/quick-start.md';

const PORT = '3000';
const EMULATOR = 'http://127.0.0.1:4010';

/**
 * Reads the app of a variant out of the guide, as a reader would paste it.
 *
 * @param ports in place of those of the guide, which may be in use
 * @throws {Error} if the guide does not have what is expected
 */
export function readGuide(
  variant: Variant,
  nest: string,
  ports: { app: number; emulator: number },
): GuideApp {
  const text = readFileSync(GUIDE, 'utf8');
  const cookie = sectionOf(
    text,
    '## With a session cookie',
    '### What differs',
  );
  const fastify = sectionOf(text, '### What differs', '## With a bearer');
  const bearer = sectionOf(text, '## With a bearer', '## Next');
  const files: Record<string, string> = {
    ...filesIn(cookie),
    '.env': environmentIn(text),
  };
  if (variant === 'fastify') files['src/main.ts'] = snippetIn(fastify);
  if (variant === 'bearer') {
    delete files['src/auth/session.guard.ts'];
    delete files['src/sign-in.controller.ts'];
    Object.assign(files, filesIn(bearer));
    files['src/main.ts'] = replace(
      replace(files['src/main.ts']!, /^import session .*\n/m, ''),
      / {2}app\.use\(\n {4}session\(.*?\n {2}\);\n/s,
      '',
    );
    const functions = snippetIn(bearer, /^let bearer/);
    files['page/connect.ts'] = replace(
      replace(
        files['page/connect.ts']!,
        /^async function send\(.*?^}\n/ms,
        functions.replaceAll('export ', ''),
      ),
      /await send\('\/sign-in', 'POST'\);\n {4}await/,
      'await signIn();\n    await',
    );
  }
  for (const [path, content] of Object.entries(files)) {
    let pasted = content
      .replaceAll(`listen(${PORT}`, `listen(${ports.app}`)
      .replaceAll(EMULATOR, `http://127.0.0.1:${ports.emulator}`);
    // As the guide says for CommonJS.
    if (nest !== '12') pasted = pasted.replaceAll(/('\.\/.*)\.js';/g, "$1';");
    files[path] = pasted;
  }
  return { files, packages: packagesFor(text, variant, nest) };
}

function sectionOf(text: string, from: string, to: string): string {
  const [, rest] = text.split(from);
  const [section] = rest?.split(to) ?? [];
  if (!section) throw new Error(`${GUIDE} has no section ${from}`);
  return section;
}

/** The files of a section: each is named in the line above its snippet. */
function filesIn(section: string): Record<string, string> {
  const found = section.matchAll(
    /^`((?:src|page|public)\/[\w./-]+)`(?::[^\n]*)?\n\n```\w+\n(.*?)^```$/gms,
  );
  return Object.fromEntries([...found].map(([, path, code]) => [path!, code!]));
}

function snippetIn(section: string, pattern = /^/): string {
  const snippets = [...section.matchAll(/^```ts\n(.*?)^```$/gms)];
  const found = snippets.find(([, code]) => pattern.test(code!));
  if (!found) throw new Error(`${GUIDE} has no snippet ${pattern}`);
  return found[1]!;
}

/** The variables, with a secret in place of each that the reader generates. */
function environmentIn(text: string): string {
  const [, block] = /^```sh\n(# \.env.*?)^```$/ms.exec(text) ?? [];
  if (!block) throw new Error(`${GUIDE} has no .env`);
  return block.replaceAll(/=$/gm, `=${'a-long-random-text-'.repeat(3)}`);
}

/** The packages of the table of commands, those of the variant. */
function packagesFor(text: string, variant: Variant, nest: string): string[] {
  const of = {
    cookie: 'the session cookie',
    fastify: '',
    bearer: 'the bearer',
  }[variant];
  const rows = [...text.matchAll(/^\| (.*?) +\| (`npm install .*?) +\|$/gm)];
  const commands = rows
    .filter(
      ([, label]) =>
        [of, 'the page'].includes(label!) ||
        (/^Nest/.test(label!) && label!.includes(nest)),
    )
    // Of two commands for two versions of Nest, the one for this.
    .map(([, , command]) => command!.split('`, or `'))
    .map(([first, second]) => (nest !== '12' && second) || first!);
  const packages = commands
    .join(' ')
    .replaceAll(/`|npm install|--save-dev|&&| for Nest.*$/g, ' ')
    .split(' ')
    .filter((each) => /^@?[a-z]/.test(each));
  if (variant === 'fastify') {
    const [, list = ''] =
      /^`(@nestjs\/platform-fastify .*?)`/m.exec(text) ?? [];
    // The adapter of this Nest.
    packages.push(
      ...list
        .split(' ')
        .map((each) =>
          each.replace('platform-fastify', `platform-fastify@${nest}`),
        ),
    );
  }
  return packages;
}

function replace(text: string, pattern: RegExp, by: string): string {
  if (!pattern.test(text)) throw new Error(`${GUIDE}: no match of ${pattern}`);
  return text.replace(pattern, () => by);
}
