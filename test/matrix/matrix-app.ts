import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FreshApp } from '../install/fresh-app.js';
import { ROOT, node } from '../install/run.js';
import { packagesOf, type Combination, type PeerSet } from './combinations.js';
import { verifyContract } from './contract.js';
import type { NodeVersion } from '../install/node-versions.js';

/** An app of one set of peers, which runs on both platforms, as both kinds of modules and on every Node. */
export class MatrixApp {
  private readonly app: FreshApp;
  private readonly compiled: Promise<void>;

  constructor(peerSet: PeerSet, directory: string, tarball: string) {
    this.app = new FreshApp('matrix', directory, tarball, packagesOf(peerSet));
    this.compiled = this.compile();
    // Whoever waits for it is told; until then it fails quietly.
    this.compiled.catch(() => {});
  }

  /** The version of Nest. */
  async nestVersion(): Promise<string> {
    await this.app.installed;
    const file = join(
      this.app.directory,
      'node_modules/@nestjs/core/package.json',
    );
    return JSON.parse(await readFile(file, 'utf8')).version;
  }

  /** Starts the app, verifies the contract from outside and stops the app. Returns the broken clauses. */
  async verify(
    { platform, modules }: Pick<Combination, 'platform' | 'modules'>,
    { executable, version: nodeVersion }: NodeVersion,
  ): Promise<string[]> {
    await this.compiled;
    const folder = modules === 'ESM' ? 'dist' : 'cjs';
    try {
      const url = await this.app.start(`${folder}/main.js`, {
        args: [platform],
        executable,
      });
      return await verifyContract({ url, nodeVersion, platform, modules });
    } catch (error) {
      return [(error as Error).message];
    } finally {
      await this.app.stop();
    }
  }

  /** Waits until nothing of the app is running any more. */
  async stop(): Promise<void> {
    await Promise.allSettled([this.compiled, this.app.stop()]);
  }

  /** TypeScript makes `dist/` of ES modules and checks the types, SWC makes `cjs/`. */
  private async compile(): Promise<void> {
    await this.app.built;
    const script = join(ROOT, 'test/install/bundle-app.js');
    const [source, target] = ['src/main.ts', 'cjs'].map((path) =>
      join(this.app.directory, path),
    );
    await node(ROOT, script, 'swc', source!, target!);
  }
}
