import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { IntegrationsController } from './integrations.controller.js';

@Module({
  imports: [AuthModule],
  controllers: [IntegrationsController],
})
export class IntegrationsModule {}
