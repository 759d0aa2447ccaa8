import 'reflect-metadata';
import {
  ConsoleLogger,
  type DynamicModule,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ExpressAdapter,
  type NestExpressApplication,
} from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

/** The platforms on which every promise of the endpoint holds. */
export const PLATFORMS = ['Express', 'Fastify'] as const;
export type Platform = (typeof PLATFORMS)[number];

export interface AppSettings {
  /** Whether the app prints what it logs. */
  logs?: boolean;
  /** Whether it believes the `X-Forwarded-…` headers. */
  trustProxy?: boolean;
}

const running = new Set<INestApplication>();

/** Creates an app as a main.ts would; it is stopped by {@link stopApps}. */
export async function createApp(
  platform: Platform,
  module: Type | DynamicModule,
  { logs = false, trustProxy = false }: AppSettings = {},
): Promise<INestApplication> {
  const app = await NestFactory.create(
    module,
    platform === 'Express'
      ? new ExpressAdapter()
      : new FastifyAdapter({ trustProxy }),
    {
      logger: logs
        ? new ConsoleLogger({ logLevels: ['error', 'warn'] })
        : false,
      abortOnError: false,
      forceCloseConnections: true,
    },
  );
  if (platform === 'Express') {
    (app as NestExpressApplication).set('trust proxy', trustProxy);
  }
  running.add(app);
  return app;
}

/** Starts an app on a free port and gives its URL. */
export async function runApp(
  platform: Platform,
  module: Type | DynamicModule,
  configure: (app: INestApplication) => void = () => {},
  options: AppSettings = {},
): Promise<string> {
  const app = await createApp(platform, module, options);
  configure(app);
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

/** Stops every app that this file has started. */
export async function stopApps(): Promise<void> {
  const apps = [...running];
  running.clear();
  await Promise.all(apps.map((app) => app.close()));
}
