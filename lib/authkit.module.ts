import {
  Inject,
  Module,
  Optional,
  type MiddlewareConsumer,
  type NestModule,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import {
  AUTHKIT_CONTROLLERS,
  AUTHKIT_GRANT_AUDIENCE,
  AUTHKIT_GRANT_JWT,
  AUTHKIT_IDENTITY_EXTRACTOR,
  AUTHKIT_OPTIONS,
} from './authkit.constants.js';
import { ConfigurableModuleClass } from './authkit.module-definition.js';
import { INJECTABLES } from './inject-authkit.js';
import { RequestRunner } from './core/request-runner.js';
import { applyRoutes } from './endpoint/route-middleware.js';
import {
  ensureUniqueNames,
  type AuthKitControllers,
} from './endpoint/create-controllers.js';
import { provideGrantJwt } from './grant/grant-jwt.js';
import { GrantVerifier } from './grant/grant-verifier.js';
import { withTimeout } from './identity/extract-identity.js';
import type { ResolvedOptions } from './options/resolve-options.js';
import { PicaApi } from './pica/pica-api.js';

/** @throws {Error} in an app that imports the class itself */
function failWithoutRegistration(): never {
  throw new Error(
    'AuthKitModule is imported without forRoot() or forRootAsync(): this import has no options. ' +
      'Register the module once, and import that registration where its services are injected: ' +
      'export const AuthKit = AuthKitModule.forRoot({ … }), then imports: [AuthKit]. ' +
      'Or pass isGlobal: true to the registration, and remove this import.',
  );
}

/**
 * Pica AuthKit for Nest: services that create tokens and manage the connections
 * that come of them, a guard that identifies the caller, and, if requested, the
 * routes that the browser widget and the app's pages call.
 *
 * @example the token route, behind the app's own guard, with the key from the environment
 * ```ts
 * @Module({
 *   imports: [
 *     ConfigModule.forRoot(),
 *     AuthKitModule.forRootAsync({
 *       ...authKitConfig.asProvider(),
 *       imports: [AuthModule],
 *       controller: { guards: [JwtAuthGuard] },
 *     }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 *
 * @publicApi
 */
@Module({
  providers: [
    ...INJECTABLES,
    PicaApi,
    RequestRunner,
    GrantVerifier,
    // Every registration has its own in their place.
    { provide: AUTHKIT_OPTIONS, useFactory: failWithoutRegistration },
    { provide: AUTHKIT_GRANT_AUDIENCE, useValue: undefined },
    {
      provide: AUTHKIT_IDENTITY_EXTRACTOR,
      useFactory: ({ identity, timeout }: ResolvedOptions) =>
        withTimeout(identity, timeout),
      inject: [AUTHKIT_OPTIONS],
    },
    {
      provide: AUTHKIT_GRANT_JWT,
      useFactory: provideGrantJwt,
      inject: [AUTHKIT_OPTIONS, AUTHKIT_GRANT_AUDIENCE],
    },
  ],
  exports: [
    ...INJECTABLES,
    // What the guard injects where a controller of the app uses it, and what a
    // subclass of a service injects where a module of the app provides it.
    AUTHKIT_IDENTITY_EXTRACTOR,
    AUTHKIT_OPTIONS,
    PicaApi,
    RequestRunner,
  ],
})
export class AuthKitModule
  extends ConfigurableModuleClass
  implements NestModule
{
  constructor(
    @Inject(AUTHKIT_OPTIONS) private readonly options: ResolvedOptions,
    @Optional()
    @Inject(AUTHKIT_CONTROLLERS)
    private readonly controllers?: AuthKitControllers,
    @Optional()
    @Inject(HttpAdapterHost)
    private readonly adapterHost?: HttpAdapterHost,
    @Optional() @Inject(ModulesContainer) modules?: ModulesContainer,
  ) {
    super();
    if (modules) {
      refuseSameName(modules, options);
      ensureUniqueNames(controllersOf(modules));
    }
  }

  configure(consumer: MiddlewareConsumer): void {
    const { options, controllers, adapterHost } = this;
    if (controllers) {
      applyRoutes(consumer, controllers, options, adapterHost?.httpAdapter);
    }
  }
}

/** @throws {Error} if another registration has the same name: one of them could not be injected */
function refuseSameName(
  modules: ModulesContainer,
  { registration }: ResolvedOptions,
): void {
  if (registration === undefined) return;
  const same = [...modules.values()].filter(
    (module) =>
      (
        module.providers.get(AUTHKIT_OPTIONS)?.instance as
          ResolvedOptions | undefined
      )?.registration === registration,
  );
  if (same.length > 1) {
    throw new Error(
      `AuthKitModule: two registrations have the name ${JSON.stringify(registration)}. Give each a name of its own. ` +
        'To use one registration in several modules, assign it to a constant and import that.',
    );
  }
}

/** The controllers of all registrations of an app. */
function controllersOf(modules: ModulesContainer): Type[] {
  return [...modules.values()]
    .map((module) => module.providers.get(AUTHKIT_CONTROLLERS)?.instance)
    .flatMap((controllers) => Object.values(controllers ?? {}) as Type[]);
}
