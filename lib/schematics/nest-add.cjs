'use strict';

// What `nest add nestjs-pica-authkit` runs. It depends on nothing but the app's own @nestjs/schematics.

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

const LOCK_FILES = {
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'yarn',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
  'package-lock.json': 'npm',
};

/** Stands for the registration until it is known how the list around it is written. */
const PLACEHOLDER = '__AUTHKIT_REGISTRATION__';

/**
 * @param {{ guard?: string, module?: string, sourceRoot?: string }} options
 */
exports.nestAdd = (options) => async (tree, context) => {
  const manifest = readManifest(tree);
  await addModule(tree, options, manifest.type === 'module');
  addVariable(tree, '.env');
  addVariable(tree, '.env.example');
  if (!isIgnored(tree, '.env')) {
    context.logger.warn(
      '.env is not in .gitignore: add it before you write the secret key into it.',
    );
  }
  if (addPeers(tree, manifest)) {
    context.addTask(installTask(packageManager(tree, manifest)));
  }
};

/** Imports the module in the app's module, unless it is there already. */
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
    return;
  }
  const guard = options.guard && findGuard(tree, options.guard, sourceRoot);
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
  content = expand(content, registration(guard?.name));
  if (guard && !new RegExp(`import [^;]*\\b${guard.name}\\b`).test(content)) {
    const relative = path.relative(path.dirname(file), guard.file);
    const specifier = relative.startsWith('.') ? relative : `./${relative}`;
    lines.push(
      importLine(guard.name, specifier.replace(/\.ts$/, isEsm ? '.js' : '')),
    );
  }
  tree.overwrite(file, insertLines(content, lines));
}

function importLine(name, specifier) {
  return `import { ${name} } from '${specifier}';`;
}

/** The lines of the registration, without their indentation. */
function registration(guard) {
  return [
    'AuthKitModule.forRootAsync({',
    '  ...authKitConfig.asProvider(), // reads PICA_SECRET_KEY',
    ...(guard
      ? [`  controller: { guards: [${guard}] },`]
      : [
          '  // All calls of POST /authkit-token answer 401 until a guard sets request.user:',
          '  // controller: { guards: [YourGuard] }',
          '  controller: true,',
        ]),
    '})',
  ];
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

/** Adds the variable of the secret key, without a value. */
function addVariable(tree, file) {
  const content = tree.exists(file) ? read(tree, file) : '';
  if (/^\s*(export\s+)?PICA_SECRET_KEY\s*=/m.test(content)) return;
  const start = content && !content.endsWith('\n') ? `${content}\n` : content;
  write(tree, file, `${start}PICA_SECRET_KEY=\n`);
}

function isIgnored(tree, file) {
  const ignored = tree.exists('.gitignore') ? read(tree, '.gitignore') : '';
  return ignored
    .split('\n')
    .some((line) => [file, `/${file}`, `${file}*`].includes(line.trim()));
}

/** Adds what the module needs to package.json. What the app has stays as it is. */
function addPeers(tree, manifest) {
  const peers = { ...peersFor(manifest), ...AXIOS };
  const missing = Object.entries(peers).filter(
    ([name]) =>
      !manifest.dependencies?.[name] && !manifest.devDependencies?.[name],
  );
  if (missing.length === 0) return false;
  const dependencies = Object.entries({
    ...manifest.dependencies,
    ...Object.fromEntries(missing),
  }).sort(([one], [other]) => (one < other ? -1 : 1));
  const changed = {
    ...manifest,
    dependencies: Object.fromEntries(dependencies),
  };
  write(tree, 'package.json', `${JSON.stringify(changed, null, 2)}\n`);
  return true;
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
