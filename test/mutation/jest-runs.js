// Runs of Jest over a copy of the tree, one process each.
import { spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LEFT_OUT = ['node_modules', 'dist', 'coverage', '.git'];
const JEST = 'node_modules/jest/bin/jest.js';
const CONFIG = 'jest.mutation.config.js';

/** Without a sign of life for that long (ms), beside what the tests usually take, a run hangs. */
const SILENCE = { times: 5, margin: 90_000 };

/** A copy of the tree, which the mutants are put into: the checkout stays as it is. */
export class Copy {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'mutation-')));
  tree = join(this.home, 'tree');
  child;

  constructor() {
    cpSync(ROOT, this.tree, {
      recursive: true,
      filter: (path) => !LEFT_OUT.some((name) => isAt(path, name)),
    });
    symlinkSync(resolve(ROOT, 'node_modules'), join(this.tree, 'node_modules'));
    mkdirSync(join(this.home, 'tmp'));
    const own = (name) => JSON.stringify(`<rootDir>/test/mutation/${name}`);
    this.write(
      CONFIG,
      `import config from './jest.config.js';
      export default {
        ...config,
        testEnvironment: ${own('environment.js')},
        testSequencer: ${own('sequencer.js')},
        cacheDirectory: ${JSON.stringify(join(this.home, 'cache'))},
      };`,
    );
  }

  write(file, text) {
    writeFileSync(join(this.tree, file), text);
  }

  /** Ends what runs, and removes the copy. */
  remove() {
    this.stop();
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }

  stop() {
    const { pid } = this.child ?? {};
    this.child = undefined;
    if (pid === undefined) return;
    try {
      // With the processes that the tests have started.
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }

  /**
   * Runs tests: `task.order` lists the spec files, all where it is missing.
   *
   * @returns `{ killed, by, timedOut, messages, output }`
   */
  async run(task) {
    const taskFile = join(this.home, 'task.json');
    writeFileSync(taskFile, JSON.stringify(task));
    const specs = task.order ? ['--runTestsByPath', ...task.order] : [];
    const child = spawn(
      process.execPath,
      [
        ...['--disable-warning=ExperimentalWarning'],
        ...['--experimental-vm-modules', JEST, '--config', CONFIG],
        ...['--runInBand', '--silent', '--forceExit'],
        ...(task.collect ? [] : ['--bail']),
        ...specs,
      ],
      {
        cwd: this.tree,
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          MUTATION_TASK: taskFile,
          TMPDIR: join(this.home, 'tmp'),
        },
      },
    );
    this.child = child;
    const result = { by: undefined, timedOut: false, messages: [], output: '' };
    child.stderr.setEncoding('utf8').on('data', (text) => {
      result.output = (result.output + text).slice(-4000);
    });

    const longest = Math.max(
      0,
      ...Object.values(task.durations ?? {}).flatMap(Object.values),
    );
    let alarm;
    const alive = () => {
      clearTimeout(alarm);
      if (task.collect) return;
      alarm = setTimeout(
        () => {
          result.timedOut = true;
          this.stop();
        },
        SILENCE.margin + SILENCE.times * longest,
      );
    };
    alive();
    createInterface({ input: child.stdio[3] }).on('line', (line) => {
      alive();
      const message = JSON.parse(line);
      if (task.collect) result.messages.push(message);
      else if (message.on === 'failure') {
        result.by ??= `${message.spec}: ${message.test}`;
        this.stop();
      }
    });

    const closed = new Promise((done) => child.once('close', done));
    const code = await new Promise((done) => child.once('exit', done));
    if (this.child === child) this.stop();
    await closed;
    clearTimeout(alarm);
    return { ...result, killed: code !== 0 };
  }
}

function isAt(path, name) {
  return path === join(ROOT, name) || path.startsWith(join(ROOT, name) + sep);
}
