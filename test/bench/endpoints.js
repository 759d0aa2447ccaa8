// What is measured, side by side.
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const OFFICIAL = 'official package';
export const FETCH = 'fetch route';
export const RELAY = 'relay';
export const RELAY_ALL = 'relay, 4 calls';
export const MODULE = 'this module';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** In here the copy finds the same dependencies as this module. */
export const LIBRARY_COPY = join(
  ROOT,
  `node_modules/.cache/bench-library-${process.pid}`,
);

/** Endpoints by name. The relays do not handle errors. With `costsOnly` an endpoint is part of that measure alone. */
export function listEndpoints(library) {
  return {
    [OFFICIAL]: { kind: 'official' },
    [FETCH]: { kind: 'fetch' },
    [RELAY]: { kind: 'relay', pageSize: 150, keepFlags: true },
    [RELAY_ALL]: {
      kind: 'relay',
      pageSize: 100,
      keepFlags: false,
      costsOnly: true,
    },
    [MODULE]: { kind: 'module', library: 'nestjs-pica-authkit' },
    [`${MODULE}, no cache`]: {
      kind: 'module',
      library: 'nestjs-pica-authkit',
      cache: { flags: false },
      costsOnly: true,
    },
    ...(library && {
      [library.name]: { kind: 'module', library: library.entry },
    }),
  };
}

/**
 * Another built copy of this package, for comparison.
 *
 * @param folder it has `package.json` and `dist`
 */
export function copyLibrary(folder) {
  const from = resolve(folder);
  if (!existsSync(join(from, 'dist/esm/index.js'))) {
    throw new Error(
      `--lib ${folder}: expected a folder with a build of this package (dist/esm/index.js): run npm run build in it`,
    );
  }
  const { exports } = JSON.parse(
    readFileSync(join(from, 'package.json'), 'utf8'),
  );
  cpSync(join(from, 'dist'), join(LIBRARY_COPY, 'dist'), { recursive: true });
  cpSync(join(from, 'package.json'), join(LIBRARY_COPY, 'package.json'));
  const entry = exports['.'].import.default ?? exports['.'].import;
  return {
    name: basename(from),
    entry: pathToFileURL(join(LIBRARY_COPY, entry)).href,
  };
}
