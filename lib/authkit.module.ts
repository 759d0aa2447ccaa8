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
      'Import the registration instead: export const AuthKit = AuthKitModule.forRoot({ … }), then imports: [AuthKit]. ' +
      'Or pass isGlobal: true to the registration, and remove this import.',
  );
}

/**
 * Pica AuthKit for Nest: services that create tokens, manage connections and
 * call platforms, a guard that identifies the caller, and, if requested, routes.
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
      refuseSameName(instancesOf(modules, AUTHKIT_OPTIONS), options);
      ensureUniqueNames(
        instancesOf<AuthKitControllers>(modules, AUTHKIT_CONTROLLERS).flatMap(
          (classes) => Object.values(classes) as Type[],
        ),
      );
    }
  }

  configure(consumer: MiddlewareConsumer): void {
    const { options, controllers, adapterHost } = this;
    if (controllers) {
      applyRoutes(consumer, controllers, options, adapterHost?.httpAdapter);
    }
  }
}

/** What the registrations of an app provide by a token. */
function instancesOf<T>(modules: ModulesContainer, token: symbol): T[] {
  return [...modules.values()].flatMap(
    (module) => (module.providers.get(token)?.instance as T | undefined) ?? [],
  );
}

/** @throws {Error} if another registration has the same name: one of them could not be injected */
function refuseSameName(
  all: ResolvedOptions[],
  { registration }: ResolvedOptions,
): void {
  const same = all.filter((options) => options.registration === registration);
  if (registration === undefined || same.length < 2) return;
  throw new Error(
    `AuthKitModule: two registrations have the name ${JSON.stringify(registration)}. Give each a name of its own. ` +
      'To use one registration in several modules, assign it to a constant and import that.',
  );
}
