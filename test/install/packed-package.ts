import {
  cp,
  mkdir,
  readdir,
  readFile,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { ROOT, run } from './run.js';

/** What a fresh clone does not have, or what is too large to copy. */
const LEFT_OUT =
  /^(node_modules|\.git|\.stryker-tmp|coverage|(sample[/\\])?dist)$/;

/** The packed package, and what it was made of. */
export interface PackedPackage {
  readonly tarball: string;
  /** The directory of the sources. */
  readonly sources: string;
}

/** Copies the repository into a directory, as other tests may be using `dist/`. Gives the copy's path. */
export async function copyRepository(directory: string): Promise<string> {
  const copy = join(directory, 'repository');
  await cp(ROOT, copy, {
    recursive: true,
    filter: (path) => !LEFT_OUT.test(relative(ROOT, path)),
  });
  await symlink(
    join(ROOT, 'node_modules'),
    join(copy, 'node_modules'),
    'junction',
  );
  return copy;
}

/** Packs the package as a release does, `prepack` included. */
export async function pack(directory: string): Promise<PackedPackage> {
  const copy = await copyRepository(directory);
  // As it lies about in a developer's work tree.
  await writeFile(join(copy, '.env'), 'PICA_SECRET_KEY=sk_live_mine\n');

  const tarballs = join(directory, 'tarballs');
  await mkdir(tarballs);
  await run(copy, 'npm', 'pack', '--pack-destination', tarballs);
  const [tarball = ''] = await readdir(tarballs);
  return { tarball: join(tarballs, tarball), sources: join(copy, 'lib') };
}

/** The files under a directory, with `/` on every platform. */
export async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, {
    recursive: true,
    withFileTypes: true,
  });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) =>
      relative(directory, join(parentPath, name)).replaceAll(sep, '/'),
    );
}

/** A static import, a re-export or a top-level require(): one at the start of a line. */
const LOADED =
  /^(?:(?:import|export|\})[^'"\n]*|(?:const|var)[^\n]*\brequire\()['"]([^'"\n]+)['"]/gm;

/** The packages that a compiled file or declaration loads, with all its own files that it loads. */
export async function packagesOf(
  file: string,
  seen = new Set<string>(),
): Promise<Set<string>> {
  const packages = new Set<string>();
  if (seen.has(file)) return packages;
  seen.add(file);
  const extension = file.endsWith('.d.ts') ? '.d.ts' : '.js';
  for (const [, name] of (await readFile(file, 'utf8')).matchAll(LOADED)) {
    if (!name!.startsWith('.')) packages.add(name!);
    else {
      const own = join(dirname(file), name!.replace(/\.js$/, extension));
      for (const each of await packagesOf(own, seen)) packages.add(each);
    }
  }
  return packages;
}
