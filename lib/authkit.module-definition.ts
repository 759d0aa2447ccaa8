import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  type FactoryProvider,
  type Provider,
} from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import {
  AUTHKIT_CONTROLLERS,
  AUTHKIT_GRANT_AUDIENCE,
  AUTHKIT_IDENTITY_EXTRACTOR,
  AUTHKIT_OPTIONS,
} from './authkit.constants.js';
import { resolveOptions } from './authkit.options-validation.js';
import type {
  AuthKitModuleExtras,
  AuthKitModuleOptions,
  ResolvedAuthKitOptions,
} from './authkit.options.js';
import { authKitConfig } from './config/authkit.config.js';
import { createControllers } from './endpoint/create-controllers.js';
import { audienceOf } from './grant/audience.js';

/** Turns what a registration says statically into modules, providers and the controller. */
function register(
  definition: DynamicModule,
  { isGlobal, controller, imports = [] }: AuthKitModuleExtras,
): DynamicModule {
  const mount = controller === true ? {} : controller || undefined;
  const controllers = mount && createControllers(mount);
  const needs = { grants: Boolean(mount?.grants) };
  const providers: Provider[] = [
    ...(definition.providers ?? []),
    {
      provide: AUTHKIT_OPTIONS,
      useFactory: (given: AuthKitModuleOptions) => resolveOptions(given, needs),
      inject: [MODULE_OPTIONS_TOKEN],
    },
    {
      provide: AUTHKIT_IDENTITY_EXTRACTOR,
      useFactory: ({ identity }: ResolvedAuthKitOptions) => identity,
      inject: [AUTHKIT_OPTIONS],
    },
    { provide: AUTHKIT_CONTROLLERS, useValue: controllers },
    { provide: AUTHKIT_GRANT_AUDIENCE, useValue: audienceOf(mount) },
  ];
  return {
    ...definition,
    global: isGlobal,
    imports: [
      ...(definition.imports ?? []),
      ...imports,
      ...configOf(providers),
    ],
    controllers: controllers ? Object.values(controllers) : [],
    providers,
  };
}

/**
 * What `authKitConfig` needs where the options inject it:
 * `{ ...authKitConfig.asProvider(), imports: [AuthModule] }` loses the import
 * that `asProvider()` brings along.
 */
function configOf(providers: Provider[]) {
  const isUsed = providers.some((provider) =>
    (provider as FactoryProvider).inject?.includes(authKitConfig.KEY),
  );
  return isUsed ? [ConfigModule.forFeature(authKitConfig)] : [];
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
