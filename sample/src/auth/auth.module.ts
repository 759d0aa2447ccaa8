import { randomBytes } from 'node:crypto';
import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { JwtModule } from '@nestjs/jwt';
import { AuthController } from './auth.controller.js';
import { SessionService } from './session.service.js';

@Module({
  imports: [
    JwtModule.registerAsync({
      imports: [ConfigModule],
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({
        // Without JWT_SECRET, the secret is random and a restart ends all
        // sessions. A fixed default would be public.
        secret:
          config.get<string>('JWT_SECRET') || randomBytes(32).toString('hex'),
        // The audience prevents a grant from being accepted as a session, even if both use the same secret.
        signOptions: {
          algorithm: 'HS256',
          audience: 'session',
          expiresIn: '8h',
        },
        verifyOptions: { algorithms: ['HS256'], audience: 'session' },
      }),
    }),
  ],
  controllers: [AuthController],
  providers: [SessionService],
  // SessionGuard injects it in every module that uses the guard.
  exports: [SessionService],
})
export class AuthModule {}
