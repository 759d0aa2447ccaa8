import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from '@jest/globals';

it('the emulator shares no code with the client: from outside lib/testing it imports types alone', () => {
  const folder = 'lib/testing';
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
  expect(files.length).toBeGreaterThan(20);
  const shared = files.flatMap((file) => {
    const imports = readFileSync(file, 'utf8').matchAll(
      /^(?:im|ex)port (?!type )[^;]*?from '(\.[^']*)'/gm,
    );
    return [...imports]
      .map(([, path]) => relative(folder, join(dirname(file), path!)))
      .filter((path) => path.startsWith('..'))
      .map((path) => `${file}: ${path}`);
  });
  expect(shared).toEqual([]);
});
