/**
 * `npm run test:nest-add -- [--only nest=12,manager=pnpm] [--node 22] [--report file.md] [--tarball file.tgz]`:
 * publishes the package to a local registry, makes an app of each Nest with
 * `nest new`, installs it with each package manager, and runs `nest add nestjs-pica-authkit` in it.
 */
import { mkdir, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { runCommand, type Outcome, type Run } from '../install/command.js';
import { NodeVersions } from '../install/node-versions.js';
import { Registry } from '../install/registry.js';
import { NPM_INSTALL, bareEnvironment, run } from '../install/run.js';
import { MANAGERS, type Manager, type ManagerName } from './managers.js';
import { NestApp } from './nest-app.js';
import { formatResult, formatTable, type Result } from './report.js';

/** What can be chosen by `--only`. */
const DIMENSIONS: Record<'nest' | 'manager', string[]> = {
  nest: ['10', '11', '12'],
  manager: Object.keys(MANAGERS),
};

const results: Result[] = [];

await runCommand(
  DIMENSIONS,
  async function* (run) {
    const registry = await Registry.start(run.tarball);
    try {
      yield* runApps(run, registry.url);
    } finally {
      await registry.stop();
    }
  },
  () => formatTable(results),
);

async function* runApps(
  { only, node, directory, keep }: Run<keyof typeof DIMENSIONS>,
  registry: string,
): AsyncGenerator<Outcome, void, undefined> {
  const { executable, version } = await new NodeVersions(directory).get(node);
  console.log(`Node ${version}`);
  for (const { name, nest } of appsOf({ ...DIMENSIONS, ...only })) {
    const manager = MANAGERS[name];
    const commands = await installCommand(name, manager, directory);
    const path = [dirname(executable), commands, process.env.PATH];
    const place = join(directory, `${name}-nest${nest}`);
    const environment = environmentOf(
      path.join(delimiter),
      registry,
      directory,
    );
    const app = new NestApp(nest, manager, place, environment);
    const result = await runSteps(app, nest, name);
    results.push(result);
    if (!keep) await rm(place, { recursive: true, force: true });
    yield { text: formatResult(result), isBroken: Boolean(result.failure) };
  }
}

/** The apps that were chosen, those of one package manager together. */
function appsOf({ nest, manager }: typeof DIMENSIONS) {
  return (manager as ManagerName[]).flatMap((name) => {
    const { broken = [] }: Manager = MANAGERS[name];
    return nest
      .filter((each) => !broken.includes(each))
      .map((each) => ({ name, nest: each }));
  });
}

async function runSteps(
  app: NestApp,
  nest: string,
  manager: string,
): Promise<Result> {
  const start = Date.now();
  const secondsSince = () => Math.round((Date.now() - start) / 1000);
  for (const { title: step, run } of app.steps) {
    try {
      await run();
    } catch (error) {
      const reason = (error as Error).message;
      return {
        nest,
        manager,
        seconds: secondsSince(),
        failure: { step, reason },
      };
    }
  }
  return { nest, manager, seconds: secondsSince() };
}

/** Installs a package manager and gives the folder of its commands. */
async function installCommand(
  name: string,
  manager: Manager,
  directory: string,
): Promise<string> {
  const place = join(directory, 'managers', name);
  await mkdir(place, { recursive: true });
  const where = ['--prefix', place];
  await run(place, 'npm', ...NPM_INSTALL, ...where, manager.package);
  return join(place, 'node_modules/.bin');
}

/**
 * The environment of a developer who uses the local registry. Caches are of this run: a package manager takes
 * a version of a package that it has once seen for the same for ever.
 */
function environmentOf(
  path: string,
  registry: string,
  directory: string,
): NodeJS.ProcessEnv {
  // In CI, package managers install nothing that is not in the lock file.
  const left = Object.entries(bareEnvironment()).filter(
    ([name]) => !/^(CI|GITHUB_.*|npm_.*|YARN_.*|pnpm_.*)$/i.test(name),
  );
  return {
    ...Object.fromEntries(left),
    PATH: path,
    PICA_SECRET_KEY: 'sk_test_nest_add',
    npm_config_registry: registry,
    npm_config_cache: join(directory, 'npm-cache'),
    pnpm_config_registry: registry,
    XDG_CACHE_HOME: join(directory, 'cache'),
    XDG_DATA_HOME: join(directory, 'data'),
    YARN_REGISTRY: registry,
    YARN_CACHE_FOLDER: join(directory, 'yarn-cache'),
    YARN_GLOBAL_FOLDER: join(directory, 'yarn'),
    YARN_NPM_REGISTRY_SERVER: registry,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    YARN_ENABLE_TELEMETRY: '0',
  };
}
