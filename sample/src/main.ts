import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { endWithNpm } from './startup/end-with-npm.js';
import { makeGrantSecretUnlessSet } from './startup/grant-secret.js';
import { greet } from './startup/greeting.js';
import { listen } from './startup/listen.js';
import { startEmulatorWithoutKey } from './startup/pica-emulator.js';
import { readSettings } from './startup/settings.js';

const { platform, port } = readSettings();
const emulator = await startEmulatorWithoutKey();
makeGrantSecretUnlessSet();

// Only now: ConfigModule.forRoot() reads the environment when app.module.ts is imported.
const { AppModule } = await import('./app.module.js');

const app = await NestFactory.create(
  AppModule,
  platform === 'Fastify' ? new FastifyAdapter() : new ExpressAdapter(),
  { logger: ['warn', 'error', 'fatal'] },
);

// Nothing but the widget's call comes from another site; a grant protects that one.
app.enableCsrfProtection({ exclude: ['/authkit-token'] });

// SIGINT and SIGTERM close the app, and the emulator goes with it.
app.enableShutdownHooks();
app.getHttpServer().once('close', () => emulator?.stop());
endWithNpm();

await listen(app, port);
greet(await app.getUrl(), platform);
