'use strict';

// What `nest add nestjs-pica-authkit` runs. It depends on nothing but the app's own @nestjs/schematics.

const { randomBytes } = require('node:crypto');
const { createRequire } = require('node:module');
const { posix: path } = require('node:path');
const { pathToFileURL } = require('node:url');

const PACKAGE = 'nestjs-pica-authkit';

/** What the module needs beside itself, by the major of the app's Nest. */
const PEERS = {
  10: { '@nestjs/axios': '^4.0.0', '@nestjs/config': '^4.0.0' },
  11: { '@nestjs/axios': '^4.0.0', '@nestjs/config': '^4.0.0' },
  12: { '@nestjs/axios': '^12.0.0', '@nestjs/config': '^12.0.0' },
};
const AXIOS = { axios: '^1.17.0' };
/** Signs grants. Jest on CommonJS loads version 5 alone. */
const JOSE = { jose: '^5.9.0' };

const LOCK_FILES = {
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'yarn',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
  'package-lock.json': 'npm',
};

/** Stands for the registration until it is known how the list around it is written. */
const PLACEHOLDER = '__AUTHKIT_REGISTRATION__';

/** The variable of each vendor's secret key. */
const SECRET_KEYS = { pica: 'PICA_SECRET_KEY', one: 'ONE_SECRET_KEY' };

const { properties: OPTIONS } = require('./nest-add.schema.json');

/**
 * @param {{ guard?: string, grants?: boolean, connections?: boolean, vendor?: string, module?: string, sourceRoot?: string }} options
 */
exports.nestAdd = (options) => async (tree, context) => {
  checkOptions(options);
  const manifest = readManifest(tree);
  const peers = { ...peersFor(manifest), ...AXIOS };
  if (options.grants) Object.assign(peers, JOSE);
  if (!(await addModule(tree, options, manifest.type === 'module'))) {
    context.logger.warn(
      'The module is imported already, and its registration stays as it is.',
    );
  }
  addVariables(tree, options);
  if (!isIgnored(tree, '.env')) {
    context.logger.warn(
      options.grants
        ? '.env is not in .gitignore: add it. It holds the secret of the grants, and is for the secret key.'
        : '.env is not in .gitignore: add it before you write the secret key into it.',
    );
  }
  if (changeManifest(tree, manifest, peers, options)) {
    context.addTask(installTask(packageManager(tree, manifest)));
  }
};

/** The CLI hands every flag on. One that does nothing is a misspelt one. */
function checkOptions({ vendor = 'pica', ...options }) {
  const unknown = Object.keys(options).filter(
    (name) => !Object.hasOwn(OPTIONS, name) && name !== 'skipInstall',
  );
  if (unknown.length > 0) {
    const known = Object.keys(OPTIONS).map((name) => `--${name}`);
    throw new Error(
      `There is no option ${unknown.map((name) => `--${name}`).join(', ')}. The options are ${known.join(', ')}.`,
    );
  }
  if (!Object.hasOwn(SECRET_KEYS, vendor)) {
    throw new Error(
      `--vendor ${vendor}: expected ${Object.keys(SECRET_KEYS).join(' or ')}.`,
    );
  }
  for (const name of ['grants', 'connections']) {
    if (!['boolean', 'undefined'].includes(typeof options[name])) {
      throw new Error(`--${name}: expected no value.`);
    }
  }
}

/**
 * Imports the module in the app's module.
 *
 * @returns `false` if it is there already
 */
async function addModule(tree, options, isEsm) {
  const sourceRoot = options.sourceRoot || 'src';
  const file = path.join(sourceRoot, options.module || 'app.module.ts');
  if (!tree.exists(file)) {
    throw new Error(
      `${file} does not exist. Name the module that is to import AuthKitModule, below ${sourceRoot}: --module app.module.ts`,
    );
  }
  let content = read(tree, file);
  if (content.includes(`'${PACKAGE}'`) || content.includes(`"${PACKAGE}"`)) {
    return false;
  }
  const guard = options.guard && findGuard(tree, options.guard, sourceRoot);
  const guardModule = guard && findModule(tree, guard, sourceRoot, file);
  const lines = [
    importLine('AuthKitModule', PACKAGE),
    importLine('authKitConfig', `${PACKAGE}/config`),
  ];

  // It reads .env.
  if (!/\bConfigModule\.forRoot\(/.test(content)) {
    content = await insertImport(content, 'ConfigModule.forRoot()', file);
    if (!/import \{[^}]*\bConfigModule\b/.test(content)) {
      lines.unshift(importLine('ConfigModule', '@nestjs/config'));
    }
  }
  content = await insertImport(content, PLACEHOLDER, file);
  content = expand(content, registration(options, guard, guardModule));
  for (const used of [guard, guardModule]) {
    if (used && !new RegExp(`import [^;]*\\b${used.name}\\b`).test(content)) {
      const relative = path.relative(path.dirname(file), used.file);
      const specifier = relative.startsWith('.') ? relative : `./${relative}`;
      lines.push(
        importLine(used.name, specifier.replace(/\.ts$/, isEsm ? '.js' : '')),
      );
    }
  }
  tree.overwrite(file, insertLines(content, lines));
  return true;
}

function importLine(name, specifier) {
  return `import { ${name} } from '${specifier}';`;
}

/** The lines of the registration, without their indentation. */
function registration({ vendor = 'pica', grants, connections }, guard, module) {
  const variables = [SECRET_KEYS[vendor], grants && 'AUTHKIT_GRANT_SECRET'];
  const routes = [
    guard && `guards: [${guard.name}]`,
    grants && 'grants: true',
    connections && 'connections: true',
  ].filter(Boolean);
  const controller = `controller: { ${routes.join(', ')} },`;
  return [
    'AuthKitModule.forRootAsync({',
    `  ...authKitConfig.asProvider(), // reads ${variables.filter(Boolean).join(' and ')}`,
    ...(module
      ? [`  imports: [${module.name}], // exports what ${guard.name} injects`]
      : []),
    ...(guard && !module
      ? [
          `  // If ${guard.name} injects a provider, the module that exports it:`,
          '  // imports: [AuthModule],',
        ]
      : []),
    ...(guard
      ? [`  ${controller}`]
      : [
          '  // All calls of POST /authkit-token answer 401 until a guard sets request.user:',
          '  // controller: { guards: [YourGuard] }',
          `  ${routes.length > 0 ? controller : 'controller: true,'}`,
        ]),
    '})',
  ];
}

/**
 * Finds the module of a guard: of the files `*.module.ts` in the guard's folder,
 * or else in the nearest one above it below the source root, the only one, or
 * the only one that names the guard.
 */
function findModule(tree, guard, sourceRoot, appModule) {
  let folder = path.dirname(guard.file);
  while (folder !== '.' && folder !== path.normalize(sourceRoot)) {
    const modules = tree
      .getDir(folder)
      .subfiles.map((name) => path.join(folder, name))
      .filter((file) => file.endsWith('.module.ts') && file !== appModule)
      .flatMap((file) => {
        const content = read(tree, file);
        const [, name] =
          /@Module\([^]*?export class ([\w$]+)/.exec(content) ?? [];
        return name ? [{ file, name, content }] : [];
      });
    const naming = modules.filter(({ content }) =>
      content.includes(guard.name),
    );
    if (naming.length === 1) return naming[0];
    if (modules.length > 0)
      return modules.length === 1 ? modules[0] : undefined;
    folder = path.dirname(folder);
  }
  return undefined;
}

/** Finds `path#Name`: the path is below the project's root or below the source root. */
function findGuard(tree, guard, sourceRoot) {
  const [, given, name] = /^(.+)#([A-Za-z_$][\w$]*)$/.exec(guard) ?? [];
  if (!name) {
    throw new Error(
      `--guard ${guard}: expected the path of the guard's file and its name, e.g. --guard auth/jwt-auth.guard#JwtAuthGuard`,
    );
  }
  const source = given.replace(/\.[jt]s$/, '') + '.ts';
  const files = [path.join(source), path.join(sourceRoot, source)];
  const file = files.find((each) => tree.exists(each));
  if (!file) {
    throw new Error(
      `--guard ${guard}: the guard's file does not exist, neither ${files.join(' nor ')}.`,
    );
  }
  if (
    !new RegExp(`\\b${name.replaceAll('$', '\\$')}\\b`).test(read(tree, file))
  ) {
    throw new Error(
      `--guard ${guard}: ${file} has no ${name}. Name the class that the file exports.`,
    );
  }
  return { file, name };
}

/** Adds an element to `imports` of the file's module. */
async function insertImport(content, element, file) {
  const MetadataManager = await loadMetadataManager();
  const result = new MetadataManager(content).insert('imports', element);
  if (!result?.includes(element)) {
    throw new Error(
      `${file} has no @Module() with a list of imports. Import AuthKitModule in it by hand: see the README of ${PACKAGE}.`,
    );
  }
  return result;
}

/** The app's own @nestjs/schematics has it: ES modules on Nest 12, CommonJS before. */
async function loadMetadataManager() {
  const app = createRequire(path.join(process.cwd(), 'package.json'));
  let file;
  try {
    file = app.resolve('@nestjs/schematics');
  } catch (cause) {
    throw new Error(
      '@nestjs/schematics is not installed in the app: install it as a development dependency, of the same major as @nestjs/cli.',
      { cause },
    );
  }
  const schematics = await import(pathToFileURL(file).href);
  return schematics.MetadataManager ?? schematics.default.MetadataManager;
}

/** Writes the registration instead of the placeholder, on lines of its own where the list is simple. */
function expand(content, registered) {
  const oneLine = /^([ \t]*)imports: \[([\w.(), ]*)\](,?)$/m;
  const line = content
    .split('\n')
    .find((each) => each.includes(PLACEHOLDER) && oneLine.test(each));
  let spread = content;
  if (line) {
    const [, indent, elements, comma] = oneLine.exec(line);
    const list = elements.split(', ').map((each) => `${indent}  ${each},`);
    spread = content.replace(line, () =>
      [`${indent}imports: [`, ...list, `${indent}]${comma}`].join('\n'),
    );
  }
  const [indent = ''] =
    new RegExp(`^[ \\t]*(?=.*${PLACEHOLDER})`, 'm').exec(spread) ?? [];
  return spread.replace(PLACEHOLDER, () => registered.join(`\n${indent}`));
}

/** Puts lines below the last import of a file. */
function insertLines(content, added) {
  const lines = content.split('\n');
  const last = lines.findLastIndex((line) =>
    /^(import\b.*|\}) from ['"]|^import ['"]/.test(line),
  );
  lines.splice(last + 1, 0, ...added);
  return lines.join('\n');
}

/** Adds the variables to .env, and without secrets to .env.example. The secret key has no value yet. */
function addVariables(tree, { vendor = 'pica', grants }) {
  const secretKey = { [SECRET_KEYS[vendor]]: '' };
  // Otherwise the key of the default vendor would take precedence.
  const named = vendor === 'pica' ? {} : { AUTHKIT_VENDOR: vendor };
  const secret = randomBytes(32).toString('base64url');
  const grantSecret = (value) => grants && { AUTHKIT_GRANT_SECRET: value };
  setVariables(tree, '.env', {
    ...named,
    ...secretKey,
    ...grantSecret(secret),
  });
  setVariables(tree, '.env.example', {
    ...named,
    ...secretKey,
    ...grantSecret(''),
  });
}

/** Adds variables to a file, and gives a value to those that have none. What has one stays as it is. */
function setVariables(tree, file, variables) {
  const before = tree.exists(file) ? read(tree, file) : '';
  let content = before;
  for (const [name, value] of Object.entries(variables)) {
    const line = new RegExp(`^(\\s*(?:export\\s+)?${name}\\s*=)(.*)$`, 'm');
    const [, start, given] = line.exec(content) ?? [];
    if (start === undefined) {
      if (content && !content.endsWith('\n')) content += '\n';
      content += `${name}=${value}\n`;
    } else if (given.trim() === '' && value) {
      content = content.replace(line, () => start + value);
    }
  }
  if (content !== before) write(tree, file, content);
}

function isIgnored(tree, file) {
  const ignored = tree.exists('.gitignore') ? read(tree, '.gitignore') : '';
  return ignored
    .split('\n')
    .some((line) => [file, `/${file}`, `${file}*`].includes(line.trim()));
}

/**
 * Adds what the module needs to package.json, and the scripts. What the app has stays as it is.
 *
 * @returns whether there is something to install
 */
function changeManifest(tree, manifest, peers, { vendor = 'pica' }) {
  const { scripts = {}, dependencies = {}, devDependencies = {} } = manifest;
  const ofEmulator = vendor === 'pica' ? '' : ` --vendor ${vendor}`;
  const newScripts = Object.entries({
    'authkit:emulator': `pica-emulator${ofEmulator}`,
    'authkit:doctor': 'authkit-doctor',
  }).filter(([name]) => !scripts[name]);
  const newPeers = Object.entries(peers).filter(
    ([name]) => !dependencies[name] && !devDependencies[name],
  );
  if (newScripts.length + newPeers.length === 0) return false;
  const sorted = Object.entries({
    ...dependencies,
    ...Object.fromEntries(newPeers),
  }).sort(([one], [other]) => (one < other ? -1 : 1));
  const changed = {
    ...manifest,
    scripts: { ...scripts, ...Object.fromEntries(newScripts) },
    dependencies: Object.fromEntries(sorted),
  };
  write(tree, 'package.json', `${JSON.stringify(changed, null, 2)}\n`);
  return newPeers.length > 0;
}

function peersFor({ dependencies = {} }) {
  const major = nestMajor(dependencies['@nestjs/core']);
  const peers = PEERS[major];
  if (!peers) {
    throw new Error(
      `${PACKAGE} needs Nest ${Object.keys(PEERS).join(', ')}, and the app has ${major}.`,
    );
  }
  return peers;
}

/** The major of a range, e.g. `^11.0.1`, or of what is installed where the range is none, e.g. `catalog:`. */
function nestMajor(range = '') {
  const [major] = /\d+/.exec(range) ?? [];
  if (major) return major;
  const app = createRequire(path.join(process.cwd(), 'package.json'));
  return app('@nestjs/core/package.json').version.split('.')[0];
}

function packageManager(tree, manifest) {
  const lockFile = Object.keys(LOCK_FILES).find((file) => tree.exists(file));
  const [named] = manifest.packageManager?.split('@') ?? [];
  return LOCK_FILES[lockFile] ?? named ?? 'npm';
}

/** What NodePackageInstallTask of @angular-devkit/schematics gives. */
function installTask(manager) {
  const options = {
    command: 'install',
    packageManager: manager,
    workingDirectory: '.',
  };
  return { toConfiguration: () => ({ name: 'node-package', options }) };
}

function readManifest(tree) {
  if (!tree.exists('package.json')) {
    throw new Error(
      'package.json does not exist: run nest add in the folder of the app.',
    );
  }
  return JSON.parse(read(tree, 'package.json'));
}

function read(tree, file) {
  return tree.read(file).toString('utf8');
}

function write(tree, file, content) {
  if (tree.exists(file)) tree.overwrite(file, content);
  else tree.create(file, content);
}
