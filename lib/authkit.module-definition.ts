import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  type ExistingProvider,
  type FactoryProvider,
  type Provider,
  type ValueProvider,
} from '@nestjs/common';
import {
  AUTHKIT_CONTROLLERS,
  AUTHKIT_GRANT_AUDIENCE,
  AUTHKIT_OPTIONS,
  AUTHKIT_OPTIONS_IMPORTS,
} from './authkit.constants.js';
import { getAuthKitProviderToken, INJECTABLES } from './inject-authkit.js';
import { createControllers } from './endpoint/create-controllers.js';
import { defaultAudience } from './grant/default-audience.js';
import {
  resolveControllerOptions,
  validateExtras,
  type AuthKitModuleExtras,
} from './options/controller.options.js';
import { LIMITS } from './options/limits.js';
import type { AuthKitModuleOptions } from './options/module.options.js';
import {
  invalidOptions,
  resolveOptions,
  type StaticSettings,
} from './options/resolve-options.js';
import { Secret } from './options/secret.js';
import { warnLocalAddresses } from './options/warn-local-addresses.js';

/** Turns the static part of a registration into modules, providers and controllers. */
function register(
  definition: DynamicModule,
  { isGlobal, controller, imports = [], name, ...rest }: AuthKitModuleExtras,
): DynamicModule {
  const { options, errors } = resolveControllerOptions(controller);
  const controllers = options && createControllers(options);
  const given = definition.providers ?? [];
  // `forRoot()` provides the options as a value; without a factory, Nest provides `undefined` as a class.
  const isAsync = !given.some(
    (provider) => isOptionsProvider(provider) && 'useValue' in provider,
  );
  const hasFactory = given.every(
    (provider) => 'provide' in provider && provider.provide !== undefined,
  );
  const extraErrors = validateExtras({
    imports: definition.imports ?? imports,
    name,
    besideFactory: isAsync ? Object.keys(rest) : undefined,
    hasFactory,
  });
  const settings: StaticSettings = {
    name,
    needsGrants: Boolean(options?.grants),
    hasFactory,
    errors: [...extraErrors, ...errors],
    limits: (rest as Pick<AuthKitModuleOptions, typeof LIMITS>)[LIMITS],
  };
  const aliases = typeof name === 'string' ? createAliases(name) : [];
  const providers: Provider[] = [
    ...(hasFactory ? given.map((each) => hideOptions(each, settings)) : []),
    {
      provide: AUTHKIT_OPTIONS,
      useFactory: (written?: Secret<AuthKitModuleOptions>) => {
        const resolved = resolveOptions(written?.reveal(), settings);
        warnLocalAddresses(resolved);
        return resolved;
      },
      inject: hasFactory ? [MODULE_OPTIONS_TOKEN] : [],
    },
    { provide: AUTHKIT_CONTROLLERS, useValue: controllers },
    { provide: AUTHKIT_GRANT_AUDIENCE, useValue: defaultAudience(options) },
    ...aliases,
  ];
  return {
    ...definition,
    global: isGlobal,
    imports: [
      ...[definition.imports, imports].filter(Array.isArray).flat(),
      ...optionsImports(providers),
    ],
    controllers: controllers ? Object.values(controllers) : [],
    providers,
    exports: aliases.map(({ provide }) => provide),
  };
}

/** The providers by which the classes of a registration are injected by its name. */
function createAliases(name: string): ExistingProvider[] {
  return INJECTABLES.map((service) => ({
    provide: getAuthKitProviderToken<unknown>(service, name),
    useExisting: service,
  }));
}

function isOptionsProvider(provider: Provider): boolean {
  return 'provide' in provider && provider.provide === MODULE_OPTIONS_TOKEN;
}

/**
 * Wraps the options as the app has written them, or as its factory returns
 * them. Nest keeps dynamic modules, factories and what they return, and shows
 * them to whatever inspects its container.
 */
function hideOptions(provider: Provider, settings: StaticSettings): Provider {
  if (!isOptionsProvider(provider)) return provider;
  if ('useValue' in (provider as ValueProvider)) {
    const { useValue, ...rest } = provider as ValueProvider;
    return { ...rest, useValue: new Secret(useValue) };
  }
  const { useFactory, ...rest } = provider as FactoryProvider;
  return {
    ...rest,
    useFactory: async (...dependencies: unknown[]) => {
      try {
        return new Secret(await useFactory(...dependencies));
      } catch (error) {
        const { errors } = settings;
        if (errors.length === 0) throw error;
        // Most likely because of them, as when `inject` is misspelt.
        const name = error instanceof Error ? error.name : typeof error;
        throw invalidOptions(
          [...errors, `the factory of the options has thrown: ${name}.`],
          settings,
        );
      }
    },
  };
}

/**
 * The modules that the dependencies of the options bring along, as those of
 * `authKitConfig.asProvider()` do.
 */
function optionsImports(providers: Provider[]): DynamicModule[] {
  return providers
    .flatMap((provider) => (provider as FactoryProvider).inject ?? [])
    .flatMap(
      (dependency) =>
        (dependency as { [AUTHKIT_OPTIONS_IMPORTS]?: DynamicModule[] })[
          AUTHKIT_OPTIONS_IMPORTS
        ] ?? [],
    );
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<AuthKitModuleOptions>({
    moduleName: 'AuthKit',
    // Two registrations with the same options are still two.
    alwaysTransient: true,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createAuthKitOptions')
    .setExtras<AuthKitModuleExtras>(
      { isGlobal: false, controller: false, imports: [], name: undefined },
      register,
    )
    .build();
