import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { authKitConfig } from 'nestjs-pica-authkit/config';
import { PageController } from './page.controller.js';

@Module({
  imports: [ConfigModule.forFeature(authKitConfig)],
  controllers: [PageController],
})
export class PageModule {}
