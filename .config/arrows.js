/**
 * Which folder of lib/ may import which, type imports included: `npm run lint:arrows`.
 * The table has no cycle, so the folders have none.
 */
const BELOW_TOKEN = ['core', 'pica', 'options', 'identity', 'vendors'];
const below = (folder) => BELOW_TOKEN.slice(BELOW_TOKEN.indexOf(folder) + 1);

const SERVICES = ['token', 'connections', 'passthrough', 'grant', 'health'];

/** What each folder may import beside its own files and the leaves. */
const ARROWS = {
  vendors: [],
  identity: below('identity'),
  options: below('options'),
  pica: below('pica'),
  core: below('core'),
  connections: BELOW_TOKEN,
  passthrough: ['connections', ...BELOW_TOKEN],
  grant: BELOW_TOKEN,
  health: BELOW_TOKEN,
  token: ['connections', ...BELOW_TOKEN],
  endpoint: ['token', 'connections', 'grant', ...BELOW_TOKEN],
  doctor: ['config', ...SERVICES, ...BELOW_TOKEN],
  config: [...SERVICES, ...BELOW_TOKEN],
};

/** Files at the root of lib/ that every folder may import. They import each other alone. */
const LEAVES =
  '^lib/(authkit\\.(exception|types|constants)|warn-once|format-value|bounded-map|within)\\.ts$';

/** Files at the root of lib/ that put the folders together. No folder imports them. */
const WIRING = '^lib/(authkit\\.[^/]*|index|inject-authkit)\\.ts$';

const folders = (names) => `^lib/(${names.join('|')})/`;

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...Object.entries(ARROWS).map(([folder, targets]) => ({
      name: `${folder} imports`,
      comment: `lib/${folder} imports ${['the leaves', ...targets].join(', ')} alone.`,
      severity: 'error',
      from: { path: folders([folder]) },
      to: {
        path: '^lib/',
        pathNot: [
          folders([folder, ...targets]),
          LEAVES,
          // It runs the module as an app does.
          ...(folder === 'doctor' ? [WIRING] : []),
        ],
      },
    })),
    {
      name: 'leaves import',
      comment: 'A leaf at the root of lib/ imports other leaves alone.',
      severity: 'error',
      from: { path: LEAVES },
      to: { path: '^lib/', pathNot: LEAVES },
    },
    {
      name: 'testing imports',
      comment:
        'lib/testing imports types alone, so that the emulator repeats no bug of the client.',
      severity: 'error',
      from: { path: folders(['testing']) },
      to: {
        path: '^lib/',
        pathNot: folders(['testing']),
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'unknown place',
      comment:
        'Give a new folder or root file of lib/ its place in .config/arrows.js.',
      severity: 'error',
      from: {
        path: '^lib/',
        pathNot: [
          folders([...Object.keys(ARROWS), 'testing', 'schematics']),
          LEAVES,
          WIRING,
        ],
      },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    includeOnly: '^lib/',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
