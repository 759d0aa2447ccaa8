import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NPM_INSTALL, run } from './run.js';

/** A Node to run apps with. */
export interface NodeVersion {
  /** The path of the executable. */
  readonly executable: string;
  /** As `process.version` has it. */
  readonly version: string;
}

/** Installs versions of Node below a directory, each once. */
export class NodeVersions {
  private readonly installed = new Map<string, Promise<NodeVersion>>();

  constructor(private readonly directory: string) {}

  /**
   * @param version a range of npm's, or `current` for the Node of this process
   */
  get(version: string): Promise<NodeVersion> {
    let found = this.installed.get(version);
    if (!found) {
      found = this.install(version);
      this.installed.set(version, found);
    }
    return found;
  }

  private async install(version: string): Promise<NodeVersion> {
    if (version === 'current') {
      return { executable: process.execPath, version: process.version };
    }
    const directory = join(this.directory, `node-${version}`);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'package.json'), '{ "private": true }\n');
    // The package that `node` would install by a script.
    const isWindows = process.platform === 'win32';
    const name = `node-${isWindows ? 'win' : process.platform}-${process.arch}`;
    await run(directory, 'npm', ...NPM_INSTALL, `${name}@${version}`);
    const bin = join(directory, 'node_modules', name, 'bin');
    const executable = join(bin, isWindows ? 'node.exe' : 'node');
    const printed = await run(directory, executable, '--version');
    return { executable, version: printed.trim() };
  }
}
