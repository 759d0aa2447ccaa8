import { randomBytes } from 'node:crypto';
import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { JwtModule } from '@nestjs/jwt';
import { AuthController } from './auth.controller.js';
import { Sessions } from './sessions.js';

@Module({
  imports: [
    JwtModule.registerAsync({
      imports: [ConfigModule],
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({
        // Without JWT_SECRET a random one: no default that anybody could look
        // up, at the price that a restart signs everybody out.
        secret:
          config.get<string>('JWT_SECRET') || randomBytes(32).toString('hex'),
        // With an audience, so that no grant is a session, whatever signs the two.
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
  providers: [Sessions],
  // SessionGuard injects it wherever it is used.
  exports: [Sessions],
})
export class AuthModule {}
