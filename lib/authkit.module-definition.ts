import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  type FactoryProvider,
  type Provider,
} from '@nestjs/common';
import {
  AUTHKIT_CONTROLLERS,
  AUTHKIT_GRANT_AUDIENCE,
  AUTHKIT_IDENTITY_EXTRACTOR,
  AUTHKIT_OPTIONS,
  AUTHKIT_OPTIONS_IMPORTS,
} from './authkit.constants.js';
import { createControllers } from './endpoint/create-controllers.js';
import { defaultAudience } from './grant/grant-jwt.js';
import { withTimeout } from './identity/extract-identity.js';
import {
  resolveControllerOptions,
  type AuthKitModuleExtras,
} from './options/controller.options.js';
import {
  resolveOptions,
  type AuthKitModuleOptions,
  type ModuleOptions,
} from './options/module.options.js';
import { Secret } from './options/validation.js';

/** Turns the static part of a registration into modules, providers and controllers. */
function register(
  definition: DynamicModule,
  { isGlobal, controller, imports = [] }: AuthKitModuleExtras,
): DynamicModule {
  const { options, errors } = resolveControllerOptions(controller);
  const controllers = options && createControllers(options);
  const settings = { needsGrants: Boolean(options?.grants), errors };
  const providers: Provider[] = [
    ...(definition.providers ?? []).map(hideOptions),
    {
      provide: AUTHKIT_OPTIONS,
      useFactory: (given: Secret<AuthKitModuleOptions>) =>
        resolveOptions(given.reveal(), settings),
      inject: [MODULE_OPTIONS_TOKEN],
    },
    {
      provide: AUTHKIT_IDENTITY_EXTRACTOR,
      useFactory: ({ identity, timeout }: ModuleOptions) =>
        withTimeout(identity, timeout),
      inject: [AUTHKIT_OPTIONS],
    },
    { provide: AUTHKIT_CONTROLLERS, useValue: controllers },
    { provide: AUTHKIT_GRANT_AUDIENCE, useValue: defaultAudience(options) },
  ];
  return {
    ...definition,
    global: isGlobal,
    imports: [
      ...(definition.imports ?? []),
      ...imports,
      ...optionsImports(providers),
    ],
    controllers: controllers ? Object.values(controllers) : [],
    providers,
  };
}

/**
 * Wraps the options as the app has written them, or as its factory returns
 * them. Nest keeps dynamic modules, factories and what they return, and shows
 * them to whatever inspects its container.
 */
function hideOptions(provider: Provider): Provider {
  if (!('provide' in provider) || provider.provide !== MODULE_OPTIONS_TOKEN) {
    return provider;
  }
  if ('useValue' in provider) {
    return { ...provider, useValue: new Secret(provider.useValue) };
  }
  const { useFactory, ...rest } = provider as FactoryProvider;
  return {
    ...rest,
    useFactory: async (...dependencies: unknown[]) =>
      new Secret(await useFactory(...dependencies)),
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
      { isGlobal: false, controller: false, imports: [] },
      register,
    )
    .build();
