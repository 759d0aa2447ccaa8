/** A package manager, as a developer calls it. */
export interface Manager {
  /** The package that has its command. */
  readonly package: string;
  /** Installs the dependencies of an app. */
  readonly install: readonly string[];
  /** Adds packages to an app. */
  readonly add: readonly string[];
  /** Removes packages from an app. */
  readonly remove: readonly string[];
  /** Whether `nest add` adds the package by itself: see docs/troubleshooting.md. */
  readonly isKnownToNest?: boolean;
  /** Runs a script of the app. */
  readonly script: readonly string[];
  /** Runs a command of a package that the app has installed. */
  readonly exec: readonly string[];
  /** Runs Node, as it finds the packages of the app. */
  readonly node: readonly string[];
  /** The versions of Nest whose CLI does not run with it. */
  readonly broken?: readonly string[];
  /** Files of the app that say how to install, beside `.npmrc`. */
  readonly files?: Readonly<Record<string, string>>;
}

const YARN = {
  install: ['yarn', 'install'],
  add: ['yarn', 'add'],
  remove: ['yarn', 'remove'],
  script: ['yarn', 'run'],
  exec: ['yarn', 'run'],
  node: ['node'],
} as const;

/** Without `yarn.lock`, Yarn 4 looks for a project in the folders above. */
const yarn4 = (configuration: string): Manager => ({
  ...YARN,
  package: '@yarnpkg/cli-dist@4',
  files: { '.yarnrc.yml': configuration, 'yarn.lock': '' },
});

/** ts-jest, in the apps of Nest 10 and 11, requires a package that it leaves to the app. */
const PNP = `nodeLinker: pnp
packageExtensions:
  'ts-jest@*':
    dependencies:
      jest-util: '*'
`;

/** The package managers that are tried. */
export const MANAGERS = {
  npm: {
    package: 'npm@11',
    install: ['npm', 'install'],
    add: ['npm', 'install'],
    remove: ['npm', 'uninstall'],
    isKnownToNest: true,
    script: ['npm', 'run'],
    exec: ['npx', '--no-install'],
    node: ['node'],
  },
  pnpm: {
    package: 'pnpm',
    install: ['pnpm', 'install'],
    add: ['pnpm', 'add'],
    remove: ['pnpm', 'remove'],
    script: ['pnpm', 'run'],
    exec: ['pnpm', 'exec'],
    node: ['node'],
    // It fails until somebody has decided about the scripts of Nest's own dependencies.
    files: { 'pnpm-workspace.yaml': 'strictDepBuilds: false\n' },
  },
  yarn1: { ...YARN, package: 'yarn@1' },
  yarn4: yarn4('nodeLinker: node-modules\n'),
  'yarn4-pnp': { ...yarn4(PNP), node: ['yarn', 'node'], broken: ['12'] },
} satisfies Record<string, Manager>;

/** A package manager by its name. */
export type ManagerName = keyof typeof MANAGERS;
