import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { GmailController } from './gmail.controller.js';

@Module({
  imports: [AuthModule],
  controllers: [GmailController],
})
export class GmailModule {}
