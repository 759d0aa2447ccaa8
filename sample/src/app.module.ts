import { Module, ValidationPipe } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { APP_PIPE } from '@nestjs/core';
import { AuthKitModule, authKitConfig } from 'nestjs-pica-authkit';
import { AuthModule } from './auth/auth.module.js';
import { SessionGuard } from './auth/session.guard.js';
import { ConnectionsModule } from './connections/connections.module.js';
import { IntegrationsModule } from './integrations/integrations.module.js';
import { PageModule } from './page/page.module.js';

@Module({
  imports: [
    ConfigModule.forRoot(),
    AuthModule,
    AuthKitModule.forRootAsync({
      // The secret key, the grants' secret and the other options, from the environment.
      ...authKitConfig.asProvider(),
      // What SessionGuard injects.
      imports: [AuthModule],
      // Mounts POST /authkit-token/grant, which the page calls with its session,
      // and POST /authkit-token, which the widget calls with the grant.
      controller: { guards: [SessionGuard], grants: true },
      // Lets IntegrationsModule inject AuthKitTokenService.
      isGlobal: true,
    }),
    IntegrationsModule,
    ConnectionsModule,
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
