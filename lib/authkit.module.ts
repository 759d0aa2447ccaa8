import type { Server } from 'node:http';
import {
  Inject,
  Module,
  Optional,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import {
  AUTHKIT_CACHE,
  AUTHKIT_CONTROLLERS,
  AUTHKIT_GRANT_AUDIENCE,
  AUTHKIT_GRANT_JWT,
  AUTHKIT_IDENTITY_EXTRACTOR,
  AUTHKIT_OPTIONS,
  AUTHKIT_SPENT_GRANTS,
} from './authkit.constants.js';
import { ConfigurableModuleClass } from './authkit.module-definition.js';
import { provideStore } from './cache/careful-store.js';
import type { AuthKitControllers } from './endpoint/create-controllers.js';
import type { EndpointOptions } from './endpoint/endpoint.options.js';
import { applyRouteMiddleware } from './endpoint/route-middleware.js';
import { provideGrantJwt } from './grant/grant-jwt.js';
import { AuthKitGrantService } from './grant/grant.service.js';
import { provideSpentGrants } from './grant/spent-grants.js';
import { AuthKitIdentityGuard } from './identity/authkit-identity.guard.js';
import { PicaClient } from './pica/pica.client.js';
import { PicaHttpModule } from './pica/pica.http.js';
import { AuthKitTokenService } from './token/token.service.js';

/**
 * Pica AuthKit for Nest: the service that creates tokens, the guard that finds
 * out who is asking, and, where wished, the endpoint that the browser widget calls.
 *
 * @example the endpoint, behind the app's own guard, with the key from the environment
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
  imports: [PicaHttpModule],
  providers: [
    PicaClient,
    AuthKitTokenService,
    AuthKitIdentityGuard,
    AuthKitGrantService,
    {
      provide: AUTHKIT_GRANT_JWT,
      useFactory: provideGrantJwt,
      inject: [AUTHKIT_OPTIONS, AUTHKIT_GRANT_AUDIENCE],
    },
    {
      provide: AUTHKIT_CACHE,
      useFactory: provideStore,
      inject: [AUTHKIT_OPTIONS],
    },
    {
      provide: AUTHKIT_SPENT_GRANTS,
      useFactory: provideSpentGrants,
      inject: [AUTHKIT_OPTIONS, { token: AUTHKIT_CACHE, optional: true }],
    },
  ],
  exports: [
    AuthKitTokenService,
    AuthKitGrantService,
    AuthKitIdentityGuard,
    // What the guard needs where a controller of the app uses it.
    AUTHKIT_IDENTITY_EXTRACTOR,
  ],
})
export class AuthKitModule
  extends ConfigurableModuleClass
  implements NestModule
{
  constructor(
    @Inject(AUTHKIT_OPTIONS) private readonly options: EndpointOptions,
    @Optional()
    @Inject(AUTHKIT_CONTROLLERS)
    private readonly controllers?: AuthKitControllers,
    @Optional()
    @Inject(HttpAdapterHost)
    private readonly adapterHost?: HttpAdapterHost,
  ) {
    super();
  }

  configure(consumer: MiddlewareConsumer): void {
    if (!this.controllers) return;
    const server: Server | undefined =
      this.adapterHost?.httpAdapter?.getHttpServer();
    const { origins } = this.options;
    applyRouteMiddleware(consumer, this.controllers, origins, server);
  }
}
