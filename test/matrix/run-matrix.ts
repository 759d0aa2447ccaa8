import { join } from 'node:path';
import {
  combinationsOf,
  nodeVersionOf,
  type Combination,
  type Filter,
} from './combinations.js';
import { MatrixApp } from './matrix-app.js';
import { NodeVersions } from './node-versions.js';
import type { Result } from './report.js';

/** Runs the combinations of a filter and gives their results, each as soon as there is one. */
export async function* runMatrix(
  filter: Filter,
  /** Where the apps go. */
  directory: string,
  tarball: string,
): AsyncGenerator<Result, void, undefined> {
  const nodes = new NodeVersions(directory);
  for (const combinations of byInstallation(combinationsOf(filter))) {
    const [{ nest, peers }] = combinations as [Combination];
    const name = `nest${nest}-${peers}`;
    const app = new MatrixApp({ nest, peers }, join(directory, name), tarball);
    try {
      for (const combination of combinations) {
        yield await runCombination(app, combination, nodes);
      }
    } finally {
      await app.stop();
    }
  }
}

async function runCombination(
  app: MatrixApp,
  combination: Combination,
  nodes: NodeVersions,
): Promise<Result> {
  let nestVersion: string = combination.nest;
  let nodeVersion = nodeVersionOf(combination);
  let broken: string[];
  try {
    const node = await nodes.get(nodeVersion);
    nodeVersion = node.version;
    nestVersion = await app.nestVersion();
    broken = await app.verify(combination, node);
  } catch (error) {
    // It could not be installed or compiled.
    broken = [(error as Error).message];
  }
  return { combination, nestVersion, nodeVersion, broken };
}

function byInstallation(combinations: Combination[]): Combination[][] {
  const groups = new Map<string, Combination[]>();
  for (const combination of combinations) {
    const key = `${combination.nest} ${combination.peers}`;
    groups.set(key, [...(groups.get(key) ?? []), combination]);
  }
  return [...groups.values()];
}
