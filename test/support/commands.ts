import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

/** The package, built apart from `dist/`, which others may be using. */
export interface BuiltPackage {
  readonly directory: string;
  /** The path of a command of package.json. */
  command(name: string): string;
  remove(): void;
}

/** Builds the package in a directory of its own. It checks no types: the type check does. */
export function buildPackage(): BuiltPackage {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'authkit-built-')));
  const { bin } = JSON.parse(readFileSync('package.json', 'utf8'));
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  symlinkSync(resolve('node_modules'), join(directory, 'node_modules'), 'dir');
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, '.');
  const compilerOptions = {
    ...options,
    module: ts.ModuleKind.ES2022,
    moduleResolution: undefined,
    sourceMap: false,
  };
  const sources = readdirSync('lib', { recursive: true, encoding: 'utf8' });
  for (const name of sources.filter((each) => each.endsWith('.ts'))) {
    const source = readFileSync(join('lib', name), 'utf8');
    const fileName = resolve('lib', name);
    const { outputText } = ts.transpileModule(source, {
      compilerOptions,
      fileName,
    });
    const target = join(directory, 'dist/esm', name.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  return {
    directory,
    command: (name) => join(directory, bin[name]),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
