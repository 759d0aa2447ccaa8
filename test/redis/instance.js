// An instance of an app with single-use grants in Redis, for redis-processes.spec.ts:
// node instance.js <the built package> <redis|ioredis> <the URL of Redis> <the URL of Pica> <secret key>
import 'reflect-metadata';
import { pathToFileURL } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { createClient } from 'redis';

const [, , entry, kind, redisUrl, baseUrl, secretKey] = process.argv;
const { AuthKitModule, redisStore } = await import(pathToFileURL(entry));

const client =
  kind === 'redis'
    ? await createClient({ url: redisUrl }).connect()
    : new Redis(redisUrl);

class SessionGuard {
  canActivate(context) {
    context.switchToHttp().getRequest().user = { id: 'ada' };
    return true;
  }
}

class AppModule {}
Module({
  imports: [
    AuthKitModule.forRoot({
      secretKey,
      baseUrl,
      cache: { store: redisStore(client) },
      grant: { secret: 'x'.repeat(32), singleUse: true },
      controller: { guards: [SessionGuard], grants: true },
    }),
  ],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');
process.on('disconnect', () => process.exit());
process.send(`${await app.getUrl()}/authkit-token`);
