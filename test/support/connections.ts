import { AuthKitConnectionsService } from '../../lib/index.js';
import type { PicaEmulator } from '../../lib/testing/index.js';
import { createApp, type TestOptions } from './app.js';

/** Creates the connections service of an app that uses an emulator. The app closes after the current test. */
export async function createConnectionsService(
  pica: Pick<PicaEmulator, 'secretKey' | 'url' | 'vendor'>,
  options?: TestOptions,
): Promise<AuthKitConnectionsService> {
  return (await createApp({ pica, options })).get(AuthKitConnectionsService);
}

/** Reads an iterable to its end. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** The requests that an emulator has received, in order, e.g. `GET /v1/vault/connections`. */
export function callsTo({ requests }: Pick<PicaEmulator, 'requests'>) {
  return requests.map(({ method, path }) => `${method} ${path}`);
}

/** The path of the connections, for both vendors. */
export const CONNECTIONS = '/v1/vault/connections';
/** Matches the path of one connection. */
export const CONNECTION = /^\/v1\/vault\/connections\/./;
