/**
 * `npm run test:matrix -- [--only nest=11,node=22] [--report file.md] [--tarball file.tgz]`:
 * installs the package into an app of each Nest with the lowest and the newest peers, and verifies the contract
 * on each platform, kind of modules and Node.
 */
import { join } from 'node:path';
import { runCommand } from '../install/command.js';
import { NodeVersions } from '../install/node-versions.js';
import {
  DIMENSIONS,
  combinationsOf,
  nodeVersionOf,
  type Combination,
} from './combinations.js';
import { MatrixApp } from './matrix-app.js';
import { formatReport, nameOf, type Result } from './report.js';

const results: Result[] = [];

await runCommand(
  { ...DIMENSIONS, node: [...DIMENSIONS.node, 'current'] },
  async function* ({ only, directory, tarball }) {
    const nodes = new NodeVersions(directory);
    let app: MatrixApp | undefined;
    let installed = '';
    try {
      // Those of one installation follow each other.
      for (const combination of combinationsOf(only)) {
        const name = `nest${combination.nest}-${combination.peers}`;
        if (name !== installed) {
          await app?.stop();
          app = new MatrixApp(combination, join(directory, name), tarball);
          installed = name;
        }
        const result = await verify(app!, combination, nodes);
        results.push(result);
        const isBroken = result.broken.length > 0;
        const verdict = isBroken ? 'BROKEN' : 'ok    ';
        const text = [`${verdict} ${nameOf(result)}`, ...result.broken];
        yield { text: text.join('\n  '), isBroken };
      }
    } finally {
      await app?.stop();
    }
  },
  () => formatReport(results),
);

async function verify(
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
