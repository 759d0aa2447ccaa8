import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { EmulatorModule } from './emulator/emulator.module.js';
import { exitWithParent } from './startup/exit-with-parent.js';
import { ensureGrantSecret } from './startup/grant-secret.js';
import { listen } from './startup/listen.js';
import { startEmulatorIfNeeded } from './startup/pica-emulator.js';
import { readSettings } from './startup/settings.js';
import { printStartupMessage } from './startup/startup-message.js';

const { platform, port } = readSettings();
const emulator = await startEmulatorIfNeeded();
ensureGrantSecret();

// Imported here, after the environment is set: ConfigModule.forRoot() reads it when app.module.ts is imported.
const { AppModule } = await import('./app.module.js');

const app = await NestFactory.create(
  emulator ? EmulatorModule.addTo(AppModule, emulator) : AppModule,
  platform === 'Fastify' ? new FastifyAdapter() : new ExpressAdapter(),
  { logger: ['warn', 'error', 'fatal'] },
);

// Only the widget calls from another site. A grant authenticates that call.
app.enableCsrfProtection({ exclude: ['/authkit-token'] });

// SIGINT and SIGTERM close the app, and closing the app stops the emulator.
app.enableShutdownHooks();
app.getHttpServer().once('close', () => emulator?.stop());
exitWithParent();

await listen(app, port);
printStartupMessage(await app.getUrl(), platform);
