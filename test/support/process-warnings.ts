import { setImmediate as nextTurn } from 'node:timers/promises';
import { runInThisContext } from 'node:vm';

/** Node's own process: that of a test file is a copy, which is told of no warning. */
export const nodeProcess = runInThisContext('process') as NodeJS.Process;

/** Warnings that the code of others causes. */
const IGNORED = ['ExperimentalWarning', 'DeprecationWarning'];

const warnings: Error[] = [];
const note = (warning: Error): void => {
  if (!IGNORED.includes(warning.name)) warnings.push(warning);
};

/** The warnings of the process since the last call, e.g. `MaxListenersExceededWarning`. */
export async function takeWarnings(): Promise<Error[]> {
  // Node emits them a little later.
  await nextTurn();
  return warnings.splice(0);
}

/** Makes the tests of a file fail if the process warns. */
export function failOnWarnings(): void {
  nodeProcess.on('warning', note);
  afterEach(async () => {
    const [warning] = await takeWarnings();
    if (warning) throw new Error(`The process has warned: ${warning.stack}`);
  });
  afterAll(() => void nodeProcess.off('warning', note));
}
