// The last lines of a test run: each part (a folder of test/) with its counts and its time, and the parts that this run leaves out.
import { readdirSync, writeSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** Parts with a command of their own. */
const COMMANDS = {
  'test/browser': ['npm run test:browser', 'needs Chromium'],
  'test/package': ['npm run test:package', 'installs into fresh apps'],
  'test/redis': ['npm run test:redis', 'needs redis-server'],
};

/** A row of words: the first left-aligned, the others right-aligned. */
const row = ([name, ...cells]) =>
  `  ${name.padEnd(18)}${cells.map((cell) => cell.padStart(14)).join('')}`;

export default class PartsReporter {
  constructor(globalConfig) {
    this.globalConfig = globalConfig;
  }

  onRunComplete(contexts, results) {
    const { rootDir } = this.globalConfig;
    const parts = new Map();
    for (const result of results.testResults) {
      const path = relative(rootDir, result.testFilePath).split(sep);
      const name = path.slice(0, 2).join('/');
      const part = parts.get(name) ?? { files: 0, passed: 0, failed: 0, ms: 0 };
      parts.set(name, part);
      part.files += 1;
      part.passed += result.numPassingTests;
      part.failed += result.numFailingTests;
      part.ms += result.perfStats.runtime;
    }
    const lines = ['', 'Parts (seconds are the sum of their files):'];
    for (const [name, { files, passed, failed, ms }] of [...parts].sort()) {
      lines.push(
        row([
          name,
          `${files} ${files === 1 ? 'file' : 'files'}`,
          `${passed} passed`,
          `${failed} failed`,
          `${(ms / 1000).toFixed(1)} s`,
        ]),
      );
    }

    const left = this.#left([...contexts], parts);
    if (left.length > 0) lines.push('Not run here:', ...left);
    const { numPassedTests, numFailedTests } = results;
    const skipped = results.numPendingTests + results.numTodoTests;
    const broken = results.numRuntimeErrorTestSuites;
    let total = `${numPassedTests} passed, ${numFailedTests} failed`;
    if (skipped > 0) total += `, ${skipped} skipped`;
    if (broken > 0) total += `, and ${broken} spec files did not run`;
    lines.push('', total, '');
    // Jest's own summary is always the last reporter; this comes after it, with --forceExit too.
    const print = () =>
      lines.length > 0 && writeSync(2, lines.splice(0).join('\n'));
    setImmediate(print);
    process.once('exit', print);
  }

  /** What a run of everything leaves out. A run of chosen files or of one part leaves out nothing. */
  #left(contexts, parts) {
    const tests = join(this.globalConfig.rootDir, 'test');
    const isWhole =
      contexts.some(({ config }) => config.roots.includes(tests)) &&
      this.globalConfig.testPathPatterns.patterns.length === 0;
    if (!isWhole) return [];
    return readdirSync(tests)
      .map((name) => `test/${name}`)
      .filter((name) => COMMANDS[name] && !parts.has(name))
      .map((name) => {
        const [command, remark] = COMMANDS[name];
        return `  ${name.padEnd(18)}${command} (${remark})`;
      });
  }
}
