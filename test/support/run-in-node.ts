import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const LOADER = pathToFileURL(resolve('test/support/typescript-loader.js')).href;

/**
 * Runs a file of test/support/node with Node itself instead of Jest, for
 * packages in CommonJS that require Nest 12, and returns what it prints.
 */
export async function runInNode(
  file: string,
  ...args: string[]
): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      ...['--disable-warning=ExperimentalWarning', '--import', LOADER],
      ...[resolve('test/support/node', file), ...args],
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return stdout;
}
