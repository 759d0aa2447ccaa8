import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { authKitConfig } from '../../lib/config/from-environment.js';
import {
  AuthKitModule,
  AuthKitTokenService,
  type AuthKitModuleOptions,
  type AuthKitOptionsFactory,
} from '../../lib/index.js';
import { createApp, PLATFORMS, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { setEnvironment } from '../support/environment.js';
import { GRANT_SECRET, OTHER_SECRET } from '../support/grants.js';
import { SessionGuard } from '../support/guards.js';
import { requestGrant, requestToken } from '../support/http.js';
import { inspectAll, pathsToSecrets } from '../support/reachable.js';

const KEY = 'sk_live_never_to_be_inspected';
const SECRETS = [KEY, GRANT_SECRET, OTHER_SECRET];

const pica = useEmulator({ secretKey: KEY, integrations: 1 });

const options = (): AuthKitModuleOptions => ({
  secretKey: KEY,
  baseUrl: pica.url,
  grant: { secret: [GRANT_SECRET, OTHER_SECRET] },
});

@Injectable()
class OptionsFactory implements AuthKitOptionsFactory {
  createAuthKitOptions(): Promise<AuthKitModuleOptions> {
    return Promise.resolve(options());
  }
}

@Injectable()
class Vault {
  read = () => options();
}

@Module({
  providers: [OptionsFactory, Vault],
  exports: [OptionsFactory, Vault],
})
class VaultModule {}

/** A factory of the app to which somebody has attached the options. */
const factoryWithProperties = Object.assign(() => options(), {
  last: { secretKey: KEY },
});

const controller = { guards: [SessionGuard], grants: true };

const REGISTRATIONS: Record<string, () => DynamicModule> = {
  forRoot: () => AuthKitModule.forRoot({ ...options(), controller }),
  useFactory: () =>
    AuthKitModule.forRootAsync({
      useFactory: factoryWithProperties,
      controller,
    }),
  'useFactory with inject': () =>
    AuthKitModule.forRootAsync({
      imports: [VaultModule],
      inject: [Vault],
      useFactory: async (vault: Vault) => vault.read(),
      controller,
    }),
  useClass: () =>
    AuthKitModule.forRootAsync({ useClass: OptionsFactory, controller }),
  useExisting: () =>
    AuthKitModule.forRootAsync({
      imports: [VaultModule],
      useExisting: OptionsFactory,
      controller,
    }),
};

describe.each(Object.entries(REGISTRATIONS))('with %s', (_name, register) => {
  it('the dynamic module does not show the key or a grant secret', () => {
    const definition = register();
    expect(pathsToSecrets(definition, SECRETS)).toEqual([]);
    const shown = inspectAll(definition);
    for (const secret of SECRETS) expect(shown).not.toContain(secret);
  });

  it.each(PLATFORMS)(
    'nothing that Nest keeps on %s leads to the key or a grant secret',
    async (platform) => {
      const { app, tokenUrl } = await startApp({
        platform,
        registrations: [register()],
      });
      const grant = await requestGrant(tokenUrl);
      const { headers } = grant.body;
      expect((await requestToken(tokenUrl, { headers })).status).toBe(200);

      const { container } = app as unknown as { container: object };
      expect(pathsToSecrets(container, SECRETS)).toEqual([]);
    },
  );
});

it('nothing of the module leads to the key or a grant secret with authKitConfig', async () => {
  const secret = 'a secret of the environment that has no comma';
  setEnvironment({ PICA_SECRET_KEY: KEY, AUTHKIT_GRANT_SECRET: secret });
  const { app, get } = await createApp({
    registrations: [
      AuthKitModule.forRootAsync({ ...authKitConfig.asProvider(), controller }),
    ],
    imports: [ConfigModule.forRoot({ ignoreEnvFile: true })],
  });
  expect(get(AuthKitTokenService)).toBeDefined();

  // What @nestjs/config keeps is the app's: the search stays in the module.
  const [module] = [...app.get(ModulesContainer).values()].filter(
    ({ metatype }) => metatype === AuthKitModule,
  );
  const instances = [
    ...module!.providers.values(),
    ...module!.controllers.values(),
  ]
    .map(({ instance }) => instance as unknown)
    .filter((instance) => !(instance instanceof ModuleRef));
  expect(instances.length).toBeGreaterThan(8);
  const isOutside = (value: object) => value instanceof ModuleRef;
  expect(pathsToSecrets(instances, [KEY, secret], isOutside)).toEqual([]);
});
