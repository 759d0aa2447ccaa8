import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  type FactoryProvider,
  type Provider,
  type ValueProvider,
} from '@nestjs/common';
import {
  AUTHKIT_CONTROLLERS,
  AUTHKIT_GRANT_AUDIENCE,
  AUTHKIT_OPTIONS,
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
  warnOfVersion,
  type StaticSettings,
} from './options/resolve-options.js';

type WrittenOptions = ValueProvider<AuthKitModuleOptions> &
  FactoryProvider<AuthKitModuleOptions>;

/** Turns the static part of a registration into modules, providers and controllers. */
function register(
  definition: DynamicModule,
  { isGlobal, controller, imports = [], name, ...rest }: AuthKitModuleExtras,
): DynamicModule {
  const { options, errors } = resolveControllerOptions(controller);
  const controllers = options && createControllers(options);
  const given = definition.providers as WrittenOptions[];
  const written = given.find((each) => each.provide === MODULE_OPTIONS_TOKEN)!;
  const extraErrors = validateExtras({
    isGlobal,
    imports: definition.imports ?? imports,
    name,
    // With forRoot() the rest are the options themselves.
    ...('useFactory' in written && rest),
  });
  const settings: StaticSettings = {
    name,
    needsGrants: Boolean(options?.grants),
    errors: [...extraErrors, ...errors],
    limits: (rest as Pick<AuthKitModuleOptions, typeof LIMITS>)[LIMITS],
  };
  // Names may be invalid until the app boots.
  const aliases = INJECTABLES.filter(() => typeof name === 'string').map(
    (service) => ({
      provide: getAuthKitProviderToken<unknown>(service, name),
      useExisting: service,
    }),
  );
  return {
    ...definition,
    global: isGlobal,
    imports: [definition.imports, imports].filter(Array.isArray).flat(),
    controllers: controllers ? Object.values(controllers) : [],
    providers: [
      ...given.filter((each) => each !== written && !isMissing(each)),
      provideOptions(given.some(isMissing) ? undefined : written, settings),
      { provide: AUTHKIT_CONTROLLERS, useValue: controllers },
      { provide: AUTHKIT_GRANT_AUDIENCE, useValue: defaultAudience(options) },
      ...aliases,
    ],
    exports: aliases.map(({ provide }) => provide),
  };
}

/** Whether a provider is the class that Nest provides without a factory: `undefined`. */
const isMissing = (provider: Provider): boolean =>
  'provide' in provider && provider.provide === undefined;

/**
 * Provides the validated options. What the app has written is in the scope of a
 * function alone: Nest keeps providers, and shows them to what inspects its container.
 */
function provideOptions(
  written: WrittenOptions | undefined,
  settings: StaticSettings,
): FactoryProvider {
  const { useValue, useFactory = () => useValue, inject = [] } = written ?? {};
  const read = async (...dependencies: unknown[]) => {
    try {
      return await useFactory(...dependencies);
    } catch (error) {
      const { name, errors } = settings;
      if (errors.length === 0) throw error;
      // Most likely because of them, as when `inject` is misspelt.
      const thrown = error instanceof Error ? error.name : typeof error;
      const text = `the factory of the options has thrown: ${thrown}.`;
      throw invalidOptions([...errors, text], name);
    }
  };
  return {
    provide: AUTHKIT_OPTIONS,
    useFactory: async (...dependencies: unknown[]) => {
      const options = resolveOptions(await read(...dependencies), settings);
      warnOfVersion(options);
      return options;
    },
    inject,
  };
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
