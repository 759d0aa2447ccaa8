import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, execute } from '../install/run.js';
import { startApp } from '../install/start.js';
import { freePort } from '../support/free-port.js';
import type { Manager } from './managers.js';

const GUARD = `import { Injectable, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';

@Injectable()
export class BearerGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest();
    if (!request.headers.authorization) throw new UnauthorizedException();
    request.user = { id: 'ada' };
    return true;
  }
}
`;

/** What `nest add` writes, beside the lock file. */
const WRITTEN = ['package.json', 'src/app.module.ts', '.env', '.env.example'];

/** A step towards an app that has the package, and after it. */
export interface Step {
  readonly title: string;
  run(): Promise<unknown>;
}

/** An app as `nest new` makes it, which adds the package by `nest add`. */
export class NestApp {
  constructor(
    private readonly nest: string,
    private readonly manager: Manager,
    /** Where the app is made. */
    private readonly directory: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /** The steps in their order. Those before `nest add` show what is not the package's fault. */
  get steps(): Step[] {
    const { install, script, exec } = this.manager;
    return [
      { title: 'nest new', run: () => this.create() },
      { title: 'install', run: () => this.run(...install) },
      { title: 'build before', run: () => this.run(...script, 'build') },
      { title: 'test before', run: () => this.test() },
      { title: 'nest add', run: () => this.add(...exec) },
      { title: 'install again', run: () => this.run(...install) },
      { title: 'build', run: () => this.run(...script, 'build') },
      { title: 'test', run: () => this.test() },
      { title: 'start', run: () => this.start() },
      { title: 'nest add again', run: () => this.addAgain(...exec) },
      { title: 'add by hand', run: () => this.addByHand() },
      { title: 'build by hand', run: () => this.run(...script, 'build') },
      { title: 'test by hand', run: () => this.test() },
      { title: 'start by hand', run: () => this.start() },
    ];
  }

  private get path(): string {
    return join(this.directory, 'app');
  }

  private async create(): Promise<void> {
    const { directory, environment: env } = this;
    await mkdir(directory, { recursive: true });
    const options = '--skip-git --skip-install --package-manager npm';
    await execute(
      { cwd: directory, env },
      'npm',
      ...['exec', '--yes', `@nestjs/cli@${this.nest}`, '--', 'new', 'app'],
      ...options.split(' '),
    );
    await mkdir(join(this.path, 'src/auth'));
    const files = {
      'src/auth/bearer.guard.ts': GUARD,
      '.gitignore': '.env\n',
      ...this.manager.files,
    };
    for (const [file, content] of Object.entries(files)) {
      await writeFile(join(this.path, file), content);
    }
  }

  /** Runs both of the app's own suites; the second boots the module. */
  private async test(): Promise<void> {
    await this.run(...this.manager.script, 'test');
    await this.run(...this.manager.script, 'test:e2e');
  }

  private async add(...exec: string[]): Promise<void> {
    const name = 'nestjs-pica-authkit';
    const guard = 'auth/bearer.guard#BearerGuard';
    const options = ['--guard', guard];
    if (!this.manager.isKnownToNest) {
      await this.run(...this.manager.add, name);
      options.push('--skip-install');
    }
    await this.run(...exec, 'nest', 'add', name, ...options);
    const [manifest, module, ...variables] = await this.written();
    const { dependencies } = JSON.parse(manifest!);
    const major = this.nest === '12' ? '12' : '4';
    assert.match(dependencies[name], /\d/);
    assert.match(dependencies.axios, /^\^1\./);
    for (const peer of ['@nestjs/axios', '@nestjs/config']) {
      assert.match(dependencies[peer], new RegExp(`^\\^${major}\\.`));
    }
    assert.match(module!, /controller: \{ guards: \[BearerGuard\] \}/);
    assert.deepEqual(variables, ['PICA_SECRET_KEY=\n', 'PICA_SECRET_KEY=\n']);
  }

  private async addAgain(...exec: string[]): Promise<void> {
    const before = await this.written();
    await this.add(...exec);
    assert.deepEqual(await this.written(), before);
  }

  /** Adds the packages anew, by the line of the README for this Nest. */
  private async addByHand(): Promise<void> {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const line = new RegExp(
      `^npm install (nestjs-pica-authkit .*?) +# Nest [^:\\n]*\\b${this.nest}\\b`,
      'm',
    );
    const packages = line.exec(readme)?.[1]?.split(' ') ?? [];
    assert.equal(packages.length, 4);
    const names = packages.map((each) => each.replace(/(?<=.)@.*/, ''));
    await this.run(...this.manager.remove, ...names);
    await this.run(...this.manager.add, ...packages);
  }

  private written(): Promise<string[]> {
    return Promise.all(
      WRITTEN.map((file) => readFile(join(this.path, file), 'utf8')),
    );
  }

  /** Starts the app and requests a token without a bearer. */
  private async start(): Promise<void> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/authkit-token`;
    const { ready, stop } = await startApp(
      [...this.manager.node, 'dist/main.js'],
      { cwd: this.path, env: { ...this.environment, PORT: `${port}` } },
      () => fetch(url, { method: 'POST' }).catch(() => undefined),
    );
    await stop();
    assert.equal(ready.status, 401);
  }

  private run(command = '', ...args: string[]): Promise<string> {
    const { path: cwd, environment: env } = this;
    return execute({ cwd, env }, command, ...args);
  }
}
