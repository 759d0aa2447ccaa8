import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { authKitConfig } from 'nestjs-pica-authkit';
import { AuthModule } from '../auth/auth.module.js';
import { ConnectionsController } from './connections.controller.js';
import { ConnectionsService } from './connections.service.js';

@Module({
  imports: [AuthModule, ConfigModule.forFeature(authKitConfig)],
  controllers: [ConnectionsController],
  providers: [ConnectionsService],
})
export class ConnectionsModule {}
