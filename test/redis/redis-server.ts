import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../support/free-port.js';

/** A `redis-server` on 127.0.0.1 that writes nothing to disk. */
export class RedisServer {
  private child?: ChildProcess;

  private constructor(readonly port: number) {}

  /** @throws {Error} with what to install, without `redis-server` */
  static async start(): Promise<RedisServer> {
    if (spawnSync('redis-server', ['--version']).error) {
      throw new Error(
        'These tests need redis-server in the PATH: apt-get install redis-server, or brew install redis.',
      );
    }
    const server = new RedisServer(await freePort());
    await server.run();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts the server, for the first time or again. */
  async run(): Promise<void> {
    const settings = [
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
    ];
    this.child = spawn(
      'redis-server',
      ['--port', String(this.port), ...settings],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    let printed = '';
    for await (const chunk of this.child.stdout!.iterator({
      destroyOnReturn: false,
    })) {
      printed += String(chunk);
      if (printed.includes('Ready to accept connections')) break;
    }
    this.child.stdout!.resume();
  }

  /** Ends the server at once, as a crash does. */
  async kill(): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Lets the server accept connections without a response. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  /** Lets a frozen server go on. */
  resume(): void {
    this.child?.kill('SIGCONT');
  }
}
