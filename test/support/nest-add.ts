import { createRequire } from 'node:module';
import { posix } from 'node:path';

/** Files by their path. */
export type Files = Record<string, string>;

/** The part of the devkit's tree that the schematic uses. */
class FakeTree {
  constructor(readonly files: Files) {}
  exists(path: string): boolean {
    return path in this.files;
  }
  read(path: string): Buffer | null {
    return this.exists(path) ? Buffer.from(this.files[path]!) : null;
  }
  create(path: string, content: string): void {
    if (this.exists(path)) throw new Error(`${path} exists`);
    this.files[path] = content;
  }
  getDir(folder: string): { subfiles: string[] } {
    const files = Object.keys(this.files);
    const inside = files.filter((file) => posix.dirname(file) === folder);
    return { subfiles: inside.map((file) => posix.basename(file)) };
  }
  overwrite(path: string, content: string): void {
    if (!this.exists(path)) throw new Error(`${path} does not exist`);
    this.files[path] = content;
  }
}

interface Task {
  toConfiguration(): object;
}

type Rule = (tree: FakeTree, context: object) => Promise<void>;

const require = createRequire(import.meta.url);

/** Runs the schematic on some files. */
export async function nestAdd(files: Files, options: object = {}) {
  const { nestAdd: schematic } =
    require('../../lib/schematics/nest-add.cjs') as {
      nestAdd: (options: object) => Rule;
    };
  const tree = new FakeTree({ ...files });
  const tasks: object[] = [];
  const warnings: string[] = [];
  await schematic({ sourceRoot: 'src', ...options })(tree, {
    addTask: (task: Task) => tasks.push(task.toConfiguration()),
    logger: { warn: (text: string) => warnings.push(text) },
  });
  return { files: tree.files, tasks, warnings };
}

/** The installation that the schematic leaves to the devkit. */
export function addedTask(packageManager: string): object {
  return {
    name: 'node-package',
    options: { command: 'install', packageManager, workingDirectory: '.' },
  };
}
