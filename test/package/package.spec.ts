import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { combinationsOf, type Combination } from '../matrix/combinations.js';
import { MatrixApp } from '../matrix/matrix-app.js';
import { FreshApp, type AppName } from '../install/fresh-app.js';
import {
  filesIn,
  pack,
  packagesOf,
  type PackedPackage,
} from '../install/packed-package.js';
import { ROOT, TOOLS, node } from '../install/run.js';

// Some 30 s with a warm cache of npm; much longer where it has to fetch everything.
jest.setTimeout(300_000);

/** The names with a value that each entry point offers; types are checked by the apps' compilers. */
const NAMES = {
  'nestjs-pica-authkit': [
    'AuthKitConnectionsService',
    'AuthKitException',
    'AuthKitGrantService',
    'AuthKitHealthIndicator',
    'AuthKitIdentity',
    'AuthKitIdentityGuard',
    'AuthKitModule',
    'AuthKitPassthroughService',
    'AuthKitTokenService',
    'CurrentIdentity',
    'ExtractIdentity',
    'InjectAuthKit',
    'getAuthKitProviderToken',
    'getRequestIdentity',
    'needsReconnect',
    'ownerOf',
  ],
  'nestjs-pica-authkit/config': ['authKitConfig'],
  'nestjs-pica-authkit/testing': ['PicaEmulator'],
};

/** What of the matrix runs here: the lowest and the newest peers of all, on this Node. */
const MATRIX = [
  ...combinationsOf({ nest: ['10'], peers: ['lowest'], node: ['current'] }),
  ...combinationsOf({ nest: ['12'], peers: ['newest'], node: ['current'] }),
];

let directory: string;
let packed: PackedPackage;
let apps: Record<AppName, FreshApp>;
let matrixApps: Map<Combination['peers'], MatrixApp>;

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'authkit-package-')));
  packed = await pack(directory);
  // They are installed and compiled while the tests look at the tarball.
  const fresh = (name: AppName) =>
    new FreshApp(name, join(directory, name), packed.tarball);
  apps = {
    'nest12-esm': fresh('nest12-esm'),
    'nest11-cjs': fresh('nest11-cjs'),
  };
  matrixApps = new Map();
  for (const { nest, peers } of MATRIX) {
    if (matrixApps.has(peers)) continue;
    const place = join(directory, `matrix-${peers}`);
    matrixApps.set(
      peers,
      new MatrixApp({ nest, peers }, place, packed.tarball),
    );
  }
});
afterAll(async () => {
  const all = [...Object.values(apps ?? {}), ...(matrixApps?.values() ?? [])];
  await Promise.all(all.map((app) => app.stop()));
  if (directory) await rm(directory, { recursive: true, force: true });
});

describe('the tarball', () => {
  it('passes publint without a warning', async () => {
    const report = await node(
      ROOT,
      TOOLS.publint,
      'run',
      packed.tarball,
      '--strict',
    );
    expect(report).toContain('All good!');
  });

  it('has types that resolve with every kind of module resolution', async () => {
    const report = await node(
      ROOT,
      TOOLS.attw,
      packed.tarball,
      '--no-definitely-typed',
    );
    expect(report).toContain('No problems found');
  });

  it('contains the compiled library, the documents, and nothing else', async () => {
    const app = apps['nest12-esm'];
    await app.installed;
    const files = await filesIn(app.packageDirectory);
    const sources = await filesIn(packed.sources);
    const guides = await filesIn(join(packed.sources, '..', 'docs'));
    const compiled = sources
      .filter((source) => source.endsWith('.ts'))
      .map((source) => source.replace(/\.ts$/, ''))
      .flatMap((name) => [`${name}.d.ts`, `${name}.js`])
      .flatMap((name) => [`dist/cjs/${name}`, `dist/esm/${name}`]);

    expect(new Set(files)).toEqual(
      new Set([
        'CHANGELOG.md',
        'LICENSE',
        'README.md',
        'SECURITY.md',
        ...guides.map((name) => `docs/${name}`),
        'package.json',
        'dist/cjs/package.json',
        'dist/schematics/collection.json',
        'dist/schematics/nest-add.cjs',
        'dist/schematics/nest-add.schema.json',
        ...compiled,
      ]),
    );
  });
});

describe('the main entry', () => {
  it.each(['dist/esm', 'dist/cjs'])(
    'of %s loads no optional package, and its types need no @nestjs/config',
    async (build) => {
      const app = apps['nest12-esm'];
      await app.installed;
      const index = join(app.packageDirectory, build, 'index');
      const loaded = await packagesOf(`${index}.js`);
      expect(loaded).toContain('class-validator');
      expect(loaded).not.toContain('@nestjs/config');
      expect(loaded).not.toContain('@nestjs/axios');
      expect(loaded).not.toContain('axios');
      expect(loaded).not.toContain('jose');
      const typed = await packagesOf(`${index}.d.ts`);
      expect(typed).toContain('@nestjs/common');
      expect(typed).not.toContain('@nestjs/config');
      expect(typed).not.toContain('@nestjs/axios');
    },
  );
});

describe.each<{ kind: string; name: AppName; nodeOptions: string[] }>([
  {
    kind: 'a Nest 12 app of ES modules',
    name: 'nest12-esm',
    nodeOptions: ['--experimental-vm-modules'],
  },
  {
    kind: 'a Nest 11 app of CommonJS',
    name: 'nest11-cjs',
    nodeOptions: [],
  },
])('$kind', ({ name, nodeOptions }) => {
  let app: FreshApp;
  beforeAll(() => {
    app = apps[name];
  });

  it('installs the package without a peer conflict and without duplicates of its dependencies', async () => {
    await app.installed;
    const files = await filesIn(app.packageDirectory);
    expect(files.filter((file) => file.includes('node_modules'))).toEqual([]);
  });

  it('compiles with the package and checks its declarations', async () => {
    await expect(app.built).resolves.toBe('');
  });

  describe('after its start', () => {
    let url: string;
    beforeAll(async () => {
      await app.built;
      url = await app.start();
    });

    it.each([
      ['forRootAsync() and authKitConfig', 'authkit-token'],
      ['forRoot()', 'team-token'],
      ['a controller of its own', 'teams/token'],
    ])('returns tokens with %s', async (_by, path) => {
      const post = (headers?: Record<string, string>) =>
        fetch(`${url}/${path}`, { method: 'POST', headers });

      const response = await post({ authorization: 'Bearer ada' });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({
        rows: { length: 101 },
        total: 101,
        isWhiteLabel: false,
      });
      expect((await post()).status).toBe(403);
    });
  });

  it('passes its own tests with the emulator in Jest', async () => {
    await app.built;
    await expect(app.test(...nodeOptions)).resolves.toMatchObject({
      numPassedTests: 2,
    });
  });

  it('finds the documented names, with the same values by require() and by import', async () => {
    await app.installed;
    const found = await app.evaluate(`{
      const names = {};
      for (const entry of ${JSON.stringify(Object.keys(NAMES))}) {
        const [required, imported] = [require(entry), await import(entry)];
        const all = Object.keys({ ...required, ...imported }).sort();
        names[entry] = all.filter((name) => required[name] === imported[name]);
      }
      return names;
    }`);
    expect(found).toEqual(NAMES);
  });
});

describe('a CommonJS app', () => {
  let app: FreshApp;
  beforeAll(async () => {
    app = apps['nest11-cjs'];
    await app.installed;
  });

  it('compiles with module and moduleResolution nodenext', async () => {
    // The declarations have been checked; how they are found is another matter here.
    const how =
      '--noEmit --skipLibCheck --module nodenext --moduleResolution nodenext';
    await expect(app.compile(...how.split(' '))).resolves.toBe('');
  });

  it.each([
    ['esbuild from its CommonJS files', 'esbuild', 'dist/main.js'],
    ['esbuild from its sources', 'esbuild', 'src/main.ts'],
    ['webpack', 'webpack', 'dist/main.js'],
    ['SWC', 'swc', 'src/main.ts'],
  ])(
    'runs as %s bundles or compiles it, without jose',
    async (_name, tool, entry) => {
      await app.built;
      const name = `${tool}-${entry.replace('/', '-')}`;
      // What a bundle lacks, it does not find there. SWC bundles nothing.
      const folder = join(tool === 'swc' ? app.directory : directory, name);
      const script = join(ROOT, 'test/install/bundle-app.js');
      await node(ROOT, script, tool, join(app.directory, entry), folder);

      const url = await app.start(join(folder, 'main.js'));
      const response = await fetch(`${url}/authkit-token`, {
        method: 'POST',
        headers: { authorization: 'Bearer ada' },
      });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ total: 101 });
    },
  );

  it('finds the documented names in the CommonJS files, which Jest loads', async () => {
    const files = [
      'index.js',
      'config/from-environment.js',
      'testing/index.js',
    ].map((file) => join(app.packageDirectory, 'dist/cjs', file));
    const found = await app.evaluate(
      `${JSON.stringify(files)}.map((file) => Object.keys(require(file)).sort())`,
    );
    expect(found).toEqual(Object.values(NAMES));
  });
});

describe('an app of the matrix', () => {
  it.each(MATRIX)(
    'keeps the contract with Nest $nest and the $peers peers, on $platform, as $modules',
    async ({ peers, ...combination }) => {
      const { execPath: executable, version } = process;
      const app = matrixApps.get(peers)!;
      const broken = await app.verify(combination, { executable, version });
      expect(broken).toEqual([]);
    },
  );
});
