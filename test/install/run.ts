import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const executeFile = promisify(execFile);

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A tool of the repository's own, as a script for Node: its `.bin` is another thing on every platform. */
export const TOOLS = {
  attw: `${ROOT}node_modules/@arethetypeswrong/cli/dist/index.js`,
  jest: `${ROOT}node_modules/jest/bin/jest.js`,
  publint: `${ROOT}node_modules/publint/src/cli.js`,
} as const;

/**
 * The environment without what this Jest, the npm that started it, or a
 * developer's own settings would tell a child: it is to start as on a bare machine.
 */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const told =
    /^(NODE_OPTIONS|NODE_ENV|NODE_PATH|NODE_V8_COVERAGE|FORCE_COLOR|JEST_.*|npm_(lifecycle|package|config_local_prefix).*|(PICA|ONE|AUTHKIT)_.*)$/;
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !told.test(name)),
  );
}

/** How npm installs everywhere: without scripts, and from its cache where that has it. */
export const NPM_INSTALL = [
  'install',
  '--prefer-offline',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
] as const;

/** Runs a command to its end on a bare machine. */
export function run(
  cwd: string,
  command: string,
  ...args: string[]
): Promise<string> {
  return execute({ cwd, env: bareEnvironment() }, command, ...args);
}

/** Runs a command to its end and gives what it printed; a failure carries all of it. */
export async function execute(
  options: { cwd: string; env: NodeJS.ProcessEnv },
  command: string,
  ...args: string[]
): Promise<string> {
  try {
    const { stdout } = await executeFile(command, args, {
      ...options,
      // npm is a batch file there.
      shell: process.platform === 'win32' && command === 'npm',
    });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as Record<string, string>;
    throw new Error(
      [`${command} ${args.join(' ')} failed:`, stdout, stderr].join('\n'),
      { cause: error },
    );
  }
}

/** Runs a script for Node. */
export const node = (cwd: string, ...args: string[]): Promise<string> =>
  run(cwd, process.execPath, ...args);
