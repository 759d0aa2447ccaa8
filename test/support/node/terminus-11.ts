// Prints two responses of a health route: of an app with the right key and of one with a wrong key.
// node terminus-11.ts <url of the emulator> <secret key>
import 'reflect-metadata';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type * as Terminus from '@nestjs/terminus';
import { AuthKitHealthIndicator, AuthKitModule } from '../../../lib/index.js';

const name: string = 'terminus11';
const { HealthCheck, HealthCheckService, TerminusModule } = (await import(
  name
)) as typeof Terminus;
type HealthCheckService = Terminus.HealthCheckService;

const [, , baseUrl, rightKey] = process.argv;
const responses = [];
for (const secretKey of [rightKey!, 'sk_test_wrong']) {
  @Controller('health')
  class HealthController {
    constructor(
      @Inject(HealthCheckService) private readonly health: HealthCheckService,
      @Inject(AuthKitHealthIndicator)
      private readonly authKit: AuthKitHealthIndicator,
    ) {}

    @Get()
    @HealthCheck()
    ready() {
      return this.health.check([() => this.authKit.ping()]);
    }
  }

  @Module({
    imports: [
      TerminusModule.forRoot({ logger: false }),
      AuthKitModule.forRoot({ secretKey, baseUrl }),
    ],
    controllers: [HealthController],
  })
  class AppModule {}

  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  const response = await fetch(`${await app.getUrl()}/health`);
  responses.push({ status: response.status, body: await response.json() });
  await app.close();
}
process.stdout.write(JSON.stringify(responses));
