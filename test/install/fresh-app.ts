import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { NPM_INSTALL, ROOT, TOOLS, bareEnvironment, node, run } from './run.js';
import { startApp } from './start.js';

/** The apps in `fixtures/`, each with dependencies of its own. */
export type AppName = 'nest12-esm' | 'nest11-cjs';

/** The part of Jest's report that is looked at. */
export interface TestReport {
  numPassedTests: number;
}

/** How an app is started. */
export interface StartOptions {
  /** The arguments of the script. */
  args?: readonly string[];
  /** The path of Node. */
  executable?: string;
}

/**
 * An app outside of the repository that has installed the packed package.
 * TypeScript is the app's own; Jest is the repository's, as it would be the
 * same and is two thirds of what there is to install.
 */
export class FreshApp {
  private readonly started: (() => Promise<void>)[] = [];
  /** Fails with what npm says, about peers that do not fit among other things. */
  readonly installed: Promise<void>;
  /** Fails with what the compiler says. */
  readonly built: Promise<string>;

  constructor(
    name: AppName | 'matrix',
    /** Where the app goes. */
    readonly directory: string,
    tarball: string,
    /** Packages to install beside those of the app, as npm takes them: `name@version`. */
    packages: readonly string[] = [],
  ) {
    this.installed = this.install(name, [tarball, ...packages]);
    this.built = this.installed.then(() => this.compile());
    // Whoever waits for them is told; until then they fail quietly.
    this.built.catch(() => {});
  }

  /** What npm has put under `node_modules/nestjs-pica-authkit`. */
  get packageDirectory(): string {
    return join(this.directory, 'node_modules', 'nestjs-pica-authkit');
  }

  /** Runs the app's compiler and gives its complaints. */
  compile(...args: string[]): Promise<string> {
    return this.node('node_modules/typescript/bin/tsc', ...args);
  }

  /** Runs a script for Node in the app and gives what it printed. */
  node(...args: string[]): Promise<string> {
    return node(this.directory, ...args);
  }

  /** Runs a piece of code in the app and gives what it evaluates to. */
  async evaluate<T = unknown>(code: string): Promise<T> {
    const script = `(async () => ${code})().then((value) => console.log(JSON.stringify(value)))`;
    return JSON.parse(await this.node('--eval', script)) as T;
  }

  /** Runs the app's own tests, as its kind of modules needs it, and gives Jest's report. */
  async test(...nodeOptions: string[]): Promise<TestReport> {
    const cache = join(this.directory, '.jest');
    const args = ['--json', '--cacheDirectory', cache];
    return JSON.parse(await this.node(...nodeOptions, TOOLS.jest, ...args));
  }

  /** Starts the app, with the Node of the tests or another one, and gives its URL. */
  async start(
    main = 'dist/main.js',
    { args = [], executable = process.execPath }: StartOptions = {},
  ): Promise<string> {
    const { ready, stop } = await startApp(
      [executable, main, ...args],
      { cwd: this.directory, env: bareEnvironment() },
      (output) => /^http:\S+(?=\s)/m.exec(output)?.[0],
    );
    this.started.push(stop);
    return ready;
  }

  /** Waits until nothing of the app is running any more. */
  async stop(): Promise<void> {
    await Promise.allSettled([this.installed, this.built]);
    await Promise.all(this.started.splice(0).map((stop) => stop()));
  }

  private async install(
    name: AppName | 'matrix',
    packages: readonly string[],
  ): Promise<void> {
    await cp(join(ROOT, 'test/install/fixtures', name), this.directory, {
      recursive: true,
    });
    await run(
      this.directory,
      'npm',
      ...NPM_INSTALL,
      '--strict-peer-deps',
      ...packages,
    );
  }
}
