import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { CountConnectionsJob } from './count-connections.job.js';
import { IntegrationsController } from './integrations.controller.js';

@Module({
  imports: [AuthModule],
  controllers: [IntegrationsController],
  providers: [CountConnectionsJob],
})
export class IntegrationsModule {}
