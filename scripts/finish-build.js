/**
 * Finishes `dist/` after the compiler:
 *
 * - declares the CommonJS files as such;
 * - makes each `import()` in them a `require()` directly in its `try`: only there
 *   do bundlers accept that an optional package is missing;
 * - copies the schematics, which are not compiled;
 * - makes the commands executable.
 */
import {
  chmodSync,
  cpSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';

const dist = new URL('../dist/', import.meta.url);
const cjs = new URL('cjs/', dist);

/** `await import('x')` as the compiler writes it for CommonJS. */
const DYNAMIC_IMPORT =
  /Promise\.resolve\(\)\.then\(\(\) => __importStar\(require\((?:\/\*.*?\*\/ )?('[^']+'|"[^"]+")\)\)\)/g;

writeFileSync(new URL('package.json', cjs), '{ "type": "commonjs" }\n');

for (const name of readdirSync(cjs, { recursive: true })) {
  if (!name.endsWith('.js')) continue;
  const file = new URL(name, cjs);
  const compiled = readFileSync(file, 'utf8');
  const finished = compiled.replaceAll(DYNAMIC_IMPORT, 'require($1)');
  if (finished.includes('Promise.resolve().then(() =>')) {
    throw new Error(
      `${fileURLToPath(file)}: an import() was not turned into a require(). Adapt DYNAMIC_IMPORT in scripts/finish-build.js.`,
    );
  }
  if (finished !== compiled) writeFileSync(file, finished);
}

cpSync(
  new URL('../lib/schematics/', import.meta.url),
  new URL('schematics/', dist),
  { recursive: true },
);

const { bin } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);
for (const command of Object.values(bin)) {
  chmodSync(new URL(`../${command}`, import.meta.url), 0o755);
}
