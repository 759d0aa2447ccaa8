import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterTest } from './cleanup.js';

/** The snippet of a guide whose first line is the comment `// name`, e.g. `// authkit-metrics.ts`. */
function snippetOf(guide: string, name: string): string {
  const text = readFileSync(guide, 'utf8');
  const snippets = [...text.matchAll(/^```ts\n(.*?)^```$/gms)];
  const found = snippets.find(([, code]) => code!.startsWith(`// ${name}\n`));
  if (!found) throw new Error(`${guide} has no snippet ${name}`);
  return found[1]!;
}

/** Writes a snippet of a guide into a file of its name, and returns its path. The file is removed after the current test. */
export function writeSnippet(guide: string, name: string): string {
  const folder = mkdtempSync(resolve('test/support/.snippet-'));
  afterTest(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, name);
  writeFileSync(file, snippetOf(guide, name));
  return file;
}

/** Imports a snippet of a guide as a module, so that a test runs what the guide says. */
export async function importSnippet<T>(
  guide: string,
  name: string,
): Promise<T> {
  return import(writeSnippet(guide, name));
}
