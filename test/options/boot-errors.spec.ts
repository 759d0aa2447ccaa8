import {
  Module,
  VersioningType,
  type INestApplication,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import {
  AuthKitModule,
  type AuthKitControllerOptions,
  type AuthKitModuleOptions,
} from '../../lib/index.js';
import {
  bootError,
  optionsFor,
  PLATFORMS,
  startApp,
  type AppSettings,
} from '../support/app.js';
import { OpenGuard, SignInGuard } from '../support/guards.js';

type AsyncOptions = Parameters<typeof AuthKitModule.forRootAsync>[0];

const useFactory = () => optionsFor();

/** The error of an app whose registration has a factory. */
const bootAsync = (options: object) =>
  bootError({
    registrations: [AuthKitModule.forRootAsync(options as AsyncOptions)],
  });

describe('an app', () => {
  it.each<[string, object, RegExp]>([
    [
      'a misspelt name',
      { useFactory, isGlobl: true },
      /- isGlobl: it is none of useFactory, .*isGlobal/,
    ],
    [
      'a misspelt inject, without which the factory throws',
      {
        useFactory: (settings: AuthKitModuleOptions) => ({
          secretKey: settings.secretKey,
        }),
        injects: ['x'],
      },
      /- injects: it is none of .*inject.*\n {2}- the factory of the options has thrown: TypeError/,
    ],
    [
      'an option of the module',
      { useFactory, timeout: 5 },
      /- timeout: .*an option of the module belongs into what the factory returns/,
    ],
    [
      'a misspelt factory',
      { useFactry: useFactory },
      /- useFactry: it is none of useFactory.*\n {2}- the options are nothing; .* useFactory, useClass or useExisting/,
    ],
    [
      'an import that is no list',
      { useFactory, imports: OpenGuard },
      /- imports: given a function; it must be a list of modules/,
    ],
    [
      'an empty name',
      { useFactory, name: ' ' },
      /- name: given a string of 1 characters; it must be a string that is not empty/,
    ],
  ])(
    'does not boot with %s beside the factory, and the error names what may be there',
    async (_name, options, message) => {
      expect((await bootAsync(options))?.message).toMatch(message);
    },
  );

  it.each<[string, object, RegExp]>([
    ['controller', { pth: 'x' }, /controller\.pth: there is no such option\./],
    [
      'controller.connections',
      { connections: { paht: 'x' } },
      /controller\.connections\.paht: there is no such option\./,
    ],
    [
      'controller.guards',
      { guards: SignInGuard },
      /controller\.guards: given a function; it must be a list of guards, such as guards: \[JwtAuthGuard\]/,
    ],
    [
      'controller.guards',
      { guards: [undefined] },
      /controller\.guards: given a list; it must be a list of guards/,
    ],
  ])(
    'does not boot with an error in %s, and the error names the right option',
    async (_name, controller, message) => {
      const error = await bootError({
        controller: controller as AuthKitControllerOptions,
      });
      expect(error?.message).toMatch(message);
    },
  );

  it.each<[string, object, RegExp]>([
    ['cache', { tll: 5 }, /cache\.tll: there is no such option\./],
    ['grant', { singeUse: true }, /grant\.singeUse: there is no such option\./],
    ['http', { httpAgnet: {} }, /http\.httpAgnet: there is no such option\./],
  ])(
    'does not boot with a misspelt option in %s, and the error names it',
    async (option, value, message) => {
      const error = await bootError({ options: { [option]: value } });
      expect(error?.message).toMatch(message);
    },
  );

  it('does not boot with a misspelt static option among the options of forRoot, and the error names it', async () => {
    const error = await bootError({
      options: { isGlobl: true } as AppSettings['options'],
    });
    expect(error?.message).toMatch(/isGlobl: there is no such option\./);
  });

  it('boots up to here with errors everywhere, and then has one error with all of them and the name of the registration', async () => {
    const registration = AuthKitModule.forRootAsync({
      useFactory: () => ({ ...optionsFor(), retries: 99, cach: {} }),
      controller: { guards: SignInGuard, paht: '' },
      name: 'acme',
      globl: true,
    } as unknown as AsyncOptions);
    const error = await bootError({ registrations: [registration] });
    expect(error?.message).toMatch(
      /^AuthKitModule of the registration "acme": invalid options\./,
    );
    for (const name of [
      'controller.guards',
      'controller.paht',
      'globl',
      'retries',
      'cach',
    ]) {
      expect(error?.message).toContain(`\n  - ${name}: `);
    }
  });

  it('boots with every name that may stand beside a factory', async () => {
    expect(
      await bootAsync({
        inject: ['GIVEN'],
        provideInjectionTokensFrom: [
          { provide: 'GIVEN', useValue: optionsFor() },
        ],
        useFactory: (given: AuthKitModuleOptions) => given,
        isGlobal: true,
        controller: true,
        name: 'acme',
        imports: [],
      }),
    ).toBeUndefined();
  });

  it('does not boot when a feature module imports the class without options, and the error says what to import', async () => {
    @Module({ imports: [AuthKitModule] })
    class FeatureModule {}
    for (const isGlobal of [false, true]) {
      const error = await bootError({ isGlobal, imports: [FeatureModule] });
      expect(error?.message).toMatch(
        /imported without forRoot\(\).*imports: \[AuthKit\].*isGlobal: true/,
      );
      expect(error?.message).not.toMatch(/Symbol/);
    }
  });
});

describe.each(PLATFORMS)('two registrations on %s', (platform) => {
  const start = (
    controllers: AuthKitControllerOptions[],
    configure?: (app: INestApplication) => void,
    names: string[] = [],
  ) => {
    const options = { guards: [OpenGuard] };
    return bootErrorOf({
      platform,
      configure,
      registrations: controllers.map((controller, index) =>
        AuthKitModule.forRoot({
          ...optionsFor(undefined, { grant: { secret: 'x'.repeat(32) } }),
          controller: { ...options, ...controller },
          name: names[index],
        }),
      ),
    });
  };

  it('do not start with the same path, and the error names both and the option', async () => {
    const error = await start([{}, { path: '/authkit-token/' }], undefined, [
      'a',
      'b',
    ]);
    expect(error?.message).toMatch(
      /two routes have the path \/authkit-token: the token route of the registration "a" and the token route of the registration "b"\..*controller\.path or/,
    );
    expect((await start([{}, {}]))?.message).toMatch(
      /the token route and the token route of another registration/,
    );
  });

  it('do not start when the routes for connections have the path of another token route', async () => {
    const error = await start([
      { path: 'mine' },
      { path: 'other', connections: { path: 'mine' } },
    ]);
    expect(error?.message).toMatch(
      /path \/mine: the token route and the routes for connections\. .*controller\.path or controller\.connections\.path/,
    );
  });

  it('do not start when the routes of one of them have the same path', async () => {
    const error = await start([
      { path: 'a', grants: true, connections: { path: 'a/grant' } },
    ]);
    expect(error?.message).toMatch(
      /path \/a\/grant: the grant route and the routes for connections/,
    );
  });

  it('do not start with the same path below a global prefix', async () => {
    const error = await start([{}, {}], (app) => app.setGlobalPrefix('api'));
    expect(error?.message).toMatch(/path \/api\/authkit-token/);
  });

  it('start with different paths, also in two apps of one process', async () => {
    for (let count = 0; count < 2; count += 1) {
      expect(await start([{}, { path: 'other' }])).toBeUndefined();
    }
  });

  it('do not start with versions that the app does not tell apart', async () => {
    const error = await start([{ version: '1' }, { version: '2' }]);
    expect(error?.message).toMatch(/path \/authkit-token:/);
  });

  it.each([
    ['URI', { type: VersioningType.URI } as const],
    ['header', { type: VersioningType.HEADER, header: 'x-version' } as const],
  ])(
    'start with the same path and different versions with %s versioning, and do not start with versions in common',
    async (_name, versioning) => {
      const version = (app: INestApplication) =>
        void app.enableVersioning(versioning);
      expect(
        await start([{ version: '1' }, { version: '2' }], version),
      ).toBeUndefined();
      const error = await start(
        [{ version: ['1', '2'] }, { version: ['2', '3'] }],
        version,
      );
      expect(error?.message).toMatch(
        /two routes have the path .*authkit-token/,
      );
    },
  );

  it('start with a route for a version behind one without a version on Fastify, and do not on Express, which would never reach it', async () => {
    const version = (app: INestApplication) =>
      void app.enableVersioning({
        type: VersioningType.HEADER,
        header: 'x-version',
      });
    expect(
      await start([{ version: '1' }, { version: VERSION_NEUTRAL }], version),
    ).toBeUndefined();
    for (const neutral of [{ version: VERSION_NEUTRAL } as const, {}]) {
      const error = await start([neutral, { version: '1' }], version);
      const expected =
        platform === 'Express'
          ? /path \/authkit-token and the version 1: .* import the registration with versions first/
          : /^none$/;
      expect(error?.message ?? 'none').toMatch(expected);
    }
  });

  it('start with the same path below different paths of the RouterModule, and do not start below the same', async () => {
    class One extends AuthKitModule {}
    class Two extends AuthKitModule {}
    const controller = { guards: [OpenGuard] };
    const startBelow = (one: string, two: string) =>
      bootErrorOf({
        platform,
        registrations: [
          One.forRoot({ ...optionsFor(), controller }),
          Two.forRoot({ ...optionsFor(), controller }),
          RouterModule.register([
            { path: one, module: One },
            { path: two, module: Two },
          ]),
        ],
      });
    expect(await startBelow('one', 'two')).toBeUndefined();
    expect((await startBelow('one', 'one'))?.message).toMatch(
      /path \/one\/authkit-token/,
    );
  });
});

async function bootErrorOf(settings: AppSettings): Promise<Error | undefined> {
  try {
    await startApp({ ...settings, controller: undefined });
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
