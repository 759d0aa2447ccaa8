// An instance of an app with single-use grants in Redis, for redis-processes.spec.ts:
// node instance.js <the built package> <redis|ioredis> <the URL of Redis> <the URL of Pica> <secret key>
import 'reflect-metadata';
import { pathToFileURL } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { createClient } from 'redis';

const [, , entry, kind, redisUrl, baseUrl, secretKey] = process.argv;
const { AuthKitModule } = await import(pathToFileURL(entry));

/** The two of the guide. */
const uses = {
  async redis() {
    const client = await createClient({ url: redisUrl }).connect();
    return {
      add: async (id, ttlMs) =>
        (await client.set(`grant:${id}`, '1', { NX: true, PX: ttlMs })) ===
        'OK',
    };
  },
  async ioredis() {
    const client = new Redis(redisUrl);
    return {
      add: async (id, ttlMs) =>
        (await client.set(`grant:${id}`, '1', 'PX', ttlMs, 'NX')) === 'OK',
    };
  },
};

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
      grant: { secret: 'x'.repeat(32), singleUse: await uses[kind]() },
      controller: { guards: [SessionGuard], grants: true },
    }),
  ],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');
process.on('disconnect', () => process.exit());
process.send(`${await app.getUrl()}/authkit-token`);
