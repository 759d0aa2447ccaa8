import { Module, ValidationPipe } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { APP_PIPE } from '@nestjs/core';
import { AuthKitModule, ExtractIdentity } from 'nestjs-pica-authkit';
import { authKitConfig } from 'nestjs-pica-authkit/config';
import { AuthModule } from './auth/auth.module.js';
import { SessionGuard } from './auth/session.guard.js';
import { GmailModule } from './gmail/gmail.module.js';
import { IntegrationsModule } from './integrations/integrations.module.js';
import { onConnected } from './integrations/on-connected.js';
import { allowIntegration, connectionLabel } from './integrations/plans.js';
import { PageModule } from './page/page.module.js';

@Module({
  imports: [
    ConfigModule.forRoot(),
    AuthModule,
    AuthKitModule.forRootAsync({
      // authKitConfig reads the secret key, the grant secret and other options from the environment.
      useFactory: () => ({
        ...authKitConfig(),
        // The company is the tenant. The functions below receive it.
        identity: ExtractIdentity.fromUser('id', 'user', {
          tenant: 'companyId',
        }),
        allowIntegration,
        connection: connectionLabel,
        onConnected,
      }),
      // Exports the SessionService that SessionGuard injects.
      imports: [AuthModule],
      // The page calls POST /authkit-token/grant and /authkit-connections with
      // its session, and the widget calls POST /authkit-token with the grant.
      controller: { guards: [SessionGuard], grants: true, connections: true },
      // IntegrationsModule can inject AuthKitTokenService without importing this module.
      isGlobal: true,
    }),
    IntegrationsModule,
    GmailModule,
    PageModule,
  ],
  providers: [
    {
      provide: APP_PIPE,
      useValue: new ValidationPipe({
        whitelist: true,
        forbidNonWhitelisted: true,
      }),
    },
  ],
})
export class AppModule {}
