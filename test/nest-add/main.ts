/**
 * `npm run test:nest-add -- [--only nest=12,manager=pnpm] [--node 22] [--report file.md] [--tarball file.tgz]`:
 * packs the package, unless there is a tarball, publishes it to a local registry, makes an app of each Nest with
 * `nest new`, installs it with each package manager, and runs `nest add nestjs-pica-authkit` in it.
 */
import { appendFile, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { NodeVersions } from '../matrix/node-versions.js';
import { pack } from '../package/packed-package.js';
import { NPM_INSTALL, bareEnvironment, run } from '../package/run.js';
import { parseOnly } from '../support/only.js';
import { MANAGERS, type Manager, type ManagerName } from './managers.js';
import { NestApp } from './nest-app.js';
import { Registry } from './registry.js';
import { formatResult, formatTable, type Result } from './report.js';

/** What can be chosen by `--only`. */
const DIMENSIONS: Record<'nest' | 'manager', string[]> = {
  nest: ['10', '11', '12'],
  manager: Object.keys(MANAGERS),
};

const { only, node, report, tarball: given, keep } = readArguments();

const directory = await realpath(
  await mkdtemp(join(tmpdir(), 'authkit-nest-add-')),
);
let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The current app ends first, so that nothing of it is left. A second signal ends this process.
  process.once(signal, () => (isInterrupted = true));
}
const results: Result[] = [];
try {
  const tarball = given ? resolve(given) : (await pack(directory)).tarball;
  const registry = await Registry.start(tarball);
  try {
    await runApps(registry.url);
  } finally {
    await registry.stop();
  }
} finally {
  if (!keep) await rm(directory, { recursive: true, force: true });
}

const table = formatTable(results);
console.log(`\n${table}`);
if (report) await appendFile(report, table);
const isBroken = results.some(({ failure }) => failure);
process.exitCode = isBroken || isInterrupted ? 1 : 0;

async function runApps(registry: string): Promise<void> {
  const { executable, version } = await new NodeVersions(directory).get(node);
  console.log(`Node ${version}`);
  for (const { name, nest } of appsOf({ ...DIMENSIONS, ...only })) {
    const manager = MANAGERS[name];
    const commands = await installCommand(name, manager);
    const paths = [dirname(executable), commands, process.env.PATH];
    const environment = environmentOf(paths.join(delimiter), registry);
    const place = join(directory, `${name}-nest${nest}`);
    const app = new NestApp(nest, manager, place, environment);
    const result = await runSteps(app, nest, name);
    results.push(result);
    console.log(formatResult(result));
    if (!keep) await rm(place, { recursive: true, force: true });
    if (isInterrupted) break;
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
async function installCommand(name: string, manager: Manager): Promise<string> {
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
function environmentOf(path: string, registry: string): NodeJS.ProcessEnv {
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

/** Exits with 2 and the reason if an argument is not valid. */
function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        node: { type: 'string', default: 'current' },
        report: { type: 'string' },
        tarball: { type: 'string' },
        keep: { type: 'boolean', default: false },
      },
    });
    return { ...values, only: parseOnly(values.only, DIMENSIONS) };
  } catch (error) {
    console.error((error as Error).message);
    return process.exit(2);
  }
}
