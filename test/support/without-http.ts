import {
  Module,
  type INestApplicationContext,
  type INestMicroservice,
  type ModuleMetadata,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  Transport,
  type ClientProxy,
} from '@nestjs/microservices';
import type { AddressInfo, Server } from 'node:net';
import { register, type RegistrationSettings } from './app.js';
import { afterTest } from './cleanup.js';

type Settings = RegistrationSettings & Pick<ModuleMetadata, 'controllers'>;

const OPTIONS = { logger: false, abortOnError: false } as const;

/** Options of a server for messages on a free port. */
export const TCP = {
  transport: Transport.TCP,
  options: { host: '127.0.0.1', port: 0 },
} as const;

function createModule({ controllers, ...settings }: Settings) {
  @Module({ imports: [register(settings)], controllers })
  class AppModule {}
  return AppModule;
}

/** Creates a context that has no server, as commands, workers and cron jobs do. It closes after the current test. */
export async function createContext(
  settings: Settings,
): Promise<INestApplicationContext> {
  const context = await NestFactory.createApplicationContext(
    createModule(settings),
    OPTIONS,
  );
  afterTest(() => context.close());
  return context;
}

/** Starts a microservice on a port of 127.0.0.1, and connects a client. Both close after the current test. */
export async function startMicroservice(
  settings: Settings,
): Promise<{ service: INestMicroservice; client: ClientProxy }> {
  const service = await NestFactory.createMicroservice(createModule(settings), {
    ...OPTIONS,
    ...TCP,
  });
  afterTest(() => service.close());
  await service.listen();
  return { service, client: connectClient(service) };
}

/** Connects a client to a microservice that listens. It closes after the current test. */
export function connectClient(
  service: Pick<INestMicroservice, 'unwrap'>,
): ClientProxy {
  const { port } = service.unwrap<Server>().address() as AddressInfo;
  const client = ClientProxyFactory.create({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
  });
  afterTest(() => client.close());
  return client;
}
