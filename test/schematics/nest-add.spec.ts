import { VENDORS } from '../../lib/vendors/index.js';
import { addedTask, nestAdd, type Files } from '../support/nest-add.js';

const APP_MODULE = `import { Module } from '@nestjs/common';
import { AppController } from './app.controller';

@Module({
  imports: [],
  controllers: [AppController],
})
export class AppModule {}
`;

const GUARD = 'export class JwtAuthGuard {}\n';

/** An app as `nest new` writes it. */
function app({ nest = '^11.0.1', ...files }: Files & { nest?: string } = {}) {
  return {
    'package.json': JSON.stringify({
      dependencies: { '@nestjs/core': nest, rxjs: '^7.8.1' },
    }),
    'src/app.module.ts': APP_MODULE,
    'src/auth/jwt-auth.guard.ts': GUARD,
    '.gitignore': '.env\n',
    ...files,
  };
}

/** The dependencies of the app after the schematic. */
function dependenciesOf({ files }: { files: Files }) {
  return JSON.parse(files['package.json']!).dependencies as object;
}

describe('nest add nestjs-pica-authkit', () => {
  it('imports the module behind the guard that --guard names', async () => {
    const { files } = await nestAdd(app(), {
      guard: 'src/auth/jwt-auth.guard.ts#JwtAuthGuard',
    });
    expect(files['src/app.module.ts'])
      .toBe(`import { Module } from '@nestjs/common';
import { AppController } from './app.controller';
import { ConfigModule } from '@nestjs/config';
import { AuthKitModule } from 'nestjs-pica-authkit';
import { authKitConfig } from 'nestjs-pica-authkit/config';
import { JwtAuthGuard } from './auth/jwt-auth.guard';

@Module({
  imports: [
    ConfigModule.forRoot(),
    AuthKitModule.forRootAsync({
      ...authKitConfig.asProvider(), // reads PICA_SECRET_KEY
      // If JwtAuthGuard injects a provider, the module that exports it:
      // imports: [AuthModule],
      controller: { guards: [JwtAuthGuard] },
    }),
  ],
  controllers: [AppController],
})
export class AppModule {}
`);
  });

  it('says that all calls answer 401 when no guard is named', async () => {
    const { files } = await nestAdd(app());
    expect(files['src/app.module.ts']).toMatch(
      /\/\/ All calls .* 401 .*\n.*\n\s+controller: true,/,
    );
  });

  it('imports the guard with the extension .js in an app of ES modules', async () => {
    const { files } = await nestAdd(
      app({
        'package.json': JSON.stringify({
          type: 'module',
          dependencies: { '@nestjs/core': '^12.0.1' },
        }),
      }),
      { guard: 'auth/jwt-auth.guard#JwtAuthGuard' },
    );
    expect(files['src/app.module.ts']).toContain(
      "import { JwtAuthGuard } from './auth/jwt-auth.guard.js';",
    );
  });

  it.each([
    ['a list of several lines', '  imports: [\n    UsersModule,\n  ],'],
    ['a list of one line', '  imports: [UsersModule],'],
    [
      'a ConfigModule',
      '  imports: [ConfigModule.forRoot({ isGlobal: true })],',
    ],
    ['no list', ''],
  ])('adds to a module with %s', async (_name, imports) => {
    const { files } = await nestAdd(
      app({
        'src/app.module.ts': APP_MODULE.replace('  imports: [],', imports),
      }),
    );
    const content = files['src/app.module.ts']!;
    expect(content.match(/ConfigModule\.forRoot\(/g)).toHaveLength(1);
    expect(content).toMatch(
      /imports: \[[^]*AuthKitModule\.forRootAsync\(\{[^]*\}\),?\s*\]/,
    );
    expect(content).not.toContain('__');
  });

  it.each([
    ['^10.0.0', '^4.0.0'],
    ['^11.0.1', '^4.0.0'],
    ['~12.5.0', '^12.0.0'],
  ])('adds what the module needs on Nest %s', async (nest, version) => {
    const result = await nestAdd(app({ nest }));
    expect(dependenciesOf(result)).toEqual({
      '@nestjs/axios': version,
      '@nestjs/config': version,
      '@nestjs/core': nest,
      axios: '^1.17.0',
      rxjs: '^7.8.1',
    });
  });

  it('fails on a Nest that the module does not support, and changes nothing', async () => {
    await expect(nestAdd(app({ nest: '^9.0.0' }))).rejects.toThrow(
      /needs Nest 10, 11, 12.*has 9/,
    );
  });

  it.each([
    ['package-lock.json', 'npm'],
    ['pnpm-lock.yaml', 'pnpm'],
    ['yarn.lock', 'yarn'],
  ])('installs with the package manager of %s', async (lockFile, manager) => {
    const { tasks } = await nestAdd(app({ [lockFile]: '' }));
    expect(tasks).toEqual([addedTask(manager)]);
  });

  it('adds the variable of the secret key to .env and .env.example, below what is there', async () => {
    const { files } = await nestAdd(app({ '.env': 'PORT=3000' }));
    expect(files['.env']).toBe('PORT=3000\nPICA_SECRET_KEY=\n');
    expect(files['.env.example']).toBe('PICA_SECRET_KEY=\n');
  });

  it('warns when git does not ignore .env', async () => {
    expect((await nestAdd(app())).warnings).toEqual([]);
    expect((await nestAdd(app({ '.gitignore': 'dist\n' }))).warnings).toEqual([
      expect.stringContaining('.env is not in .gitignore'),
    ]);
  });

  it('changes nothing when it runs again', async () => {
    const { files } = await nestAdd(
      app({ '.env': 'PICA_SECRET_KEY=sk_test_1' }),
    );
    expect(files['.env']).toBe('PICA_SECRET_KEY=sk_test_1');
    const again = await nestAdd(files, {
      guard: 'auth/jwt-auth.guard#JwtAuthGuard',
    });
    expect(again.files).toEqual(files);
    expect(again.tasks).toEqual([]);
    expect(again.warnings).toEqual([
      'The module is imported already, and its registration stays as it is.',
    ]);
  });

  it('writes grants, connections and One as the options say', async () => {
    const { files } = await nestAdd(app(), {
      guard: 'auth/jwt-auth.guard#JwtAuthGuard',
      grants: true,
      connections: true,
      vendor: 'one',
    });
    expect(files['src/app.module.ts']).toContain(
      'controller: { guards: [JwtAuthGuard], grants: true, connections: true },',
    );
    expect(files['src/app.module.ts']).toContain(
      '// reads ONE_SECRET_KEY and AUTHKIT_GRANT_SECRET',
    );
    expect(files['.env']).toMatch(
      /^AUTHKIT_VENDOR=one\nONE_SECRET_KEY=\nAUTHKIT_GRANT_SECRET=[\w-]{43}\n$/,
    );
    expect(files['.env.example']).toBe(
      'AUTHKIT_VENDOR=one\nONE_SECRET_KEY=\nAUTHKIT_GRANT_SECRET=\n',
    );
    const manifest = JSON.parse(files['package.json']!);
    expect(manifest.scripts).toEqual({
      'authkit:emulator': 'pica-emulator --vendor one',
      'authkit:doctor': 'authkit-doctor',
    });
    expect(manifest.dependencies.jose).toBe('^5.9.0');
  });

  it('generates another secret for each app, and keeps one that is there', async () => {
    const secretOf = ({ files }: { files: Files }) =>
      /^AUTHKIT_GRANT_SECRET=(.*)$/m.exec(files['.env']!)?.[1];
    const first = await nestAdd(app(), { grants: true });
    const second = await nestAdd(
      app({ '.env': 'AUTHKIT_GRANT_SECRET=\nPORT=3000\n' }),
      { grants: true },
    );
    expect(secretOf(first)).toHaveLength(43);
    expect(secretOf(second)).toHaveLength(43);
    expect(secretOf(second)).not.toBe(secretOf(first));
    expect(second.files['.env']).toContain('\nPORT=3000\n');
    const again = await nestAdd(first.files, { grants: true });
    expect(secretOf(again)).toBe(secretOf(first));
  });

  it('keeps the scripts that the app has', async () => {
    const scripts = { start: 'nest start', 'authkit:doctor': 'mine' };
    const { files } = await nestAdd(
      app({
        'package.json': JSON.stringify({
          scripts,
          dependencies: { '@nestjs/core': '^11.0.1' },
        }),
      }),
    );
    expect(JSON.parse(files['package.json']!).scripts).toEqual({
      ...scripts,
      'authkit:emulator': 'pica-emulator',
    });
  });

  const module = (name: string) =>
    `import { Module } from '@nestjs/common';\n\n@Module({ imports: [] })\nexport class ${name} {}\n`;

  it.each<[where: string, files: Files, imported: RegExp]>([
    [
      'in its folder',
      { 'src/auth/auth.module.ts': module('AuthModule') },
      /import \{ AuthModule \} from '\.\/auth\/auth\.module';[^]*imports: \[AuthModule\], \/\/ exports what/,
    ],
    [
      'as the one of several that names it',
      {
        'src/auth/a.module.ts': module('AModule'),
        'src/auth/b.module.ts': `// JwtAuthGuard\n${module('BModule')}`,
      },
      /imports: \[BModule\], \/\/ exports what/,
    ],
  ])('imports the module of the guard %s', async (_where, files, imported) => {
    const { files: written } = await nestAdd(app(files), {
      guard: 'auth/jwt-auth.guard#JwtAuthGuard',
    });
    expect(written['src/app.module.ts']).toMatch(imported);
  });

  it('finds the module of a guard in a folder above it', async () => {
    const { files } = await nestAdd(
      app({
        'src/auth/guards/own.guard.ts': 'export class OwnGuard {}\n',
        'src/auth/auth.module.ts': module('AuthModule'),
      }),
      { guard: 'auth/guards/own.guard#OwnGuard' },
    );
    expect(files['src/app.module.ts']).toContain('imports: [AuthModule], //');
  });

  it('refuses unknown options with the list of those that exist, and changes nothing', async () => {
    await expect(
      nestAdd(app(), { guards: 'auth/jwt-auth.guard#JwtAuthGuard' }),
    ).rejects.toThrow(
      'There is no option --guards. The options are --guard, --grants, --connections, --vendor, --module, --sourceRoot.',
    );
    await expect(nestAdd(app(), { vendor: 'two' })).rejects.toThrow(
      '--vendor two: expected pica or one.',
    );
    await expect(nestAdd(app(), { grants: 'optional' })).rejects.toThrow(
      '--grants: expected no value.',
    );
  });

  it.each(Object.entries(VENDORS))(
    'knows the vendor %s and the variable of its key',
    async (vendor, { secretKeyEnv }) => {
      const { files } = await nestAdd(app(), { vendor });
      expect(files['.env']).toContain(`${secretKeyEnv}=\n`);
    },
  );

  it.each([
    ['auth/jwt-auth.guard', /expected the path .* and its name/],
    [
      'auth/none.guard#NoGuard',
      /neither auth\/none.guard.ts nor src\/auth\/none.guard.ts/,
    ],
    ['auth/jwt-auth.guard#OtherGuard', /has no OtherGuard/],
  ])(
    'fails with what is expected when --guard is %s',
    async (guard, message) => {
      await expect(nestAdd(app(), { guard })).rejects.toThrow(message);
    },
  );

  it('fails with what is expected when there is no app.module.ts', async () => {
    await expect(
      nestAdd(app(), { sourceRoot: 'apps/api/src' }),
    ).rejects.toThrow(/apps\/api\/src\/app.module.ts does not exist.*--module/);
  });
});
