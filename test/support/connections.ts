import {
  AuthKitConnectionsService,
  type AuthKitException,
  type AuthKitIdentity,
} from '../../lib/index.js';
import type { PicaEmulator } from '../../lib/testing/index.js';
import type { AuthKitVendor } from '../../lib/vendors/index.js';
import { createApp, type TestOptions } from './app.js';
import { useEmulator } from './emulator.js';

/** Both vendors, for `describe.each`. */
export const VENDOR_NAMES = ['pica', 'one'] as const;

export const ADA: AuthKitIdentity = { identity: 'ada' };
export const BOB: AuthKitIdentity = { identity: 'bob' };

/** The id of no connection. */
export const ABSENT = '00000000-0000-4000-8000-000000000000';

/** The path of the connections, for both vendors. */
export const CONNECTIONS = '/v1/vault/connections';
/** Matches the path of one connection. */
export const CONNECTION = /^\/v1\/vault\/connections\/./;

/** Creates the connections service of an app that uses an emulator. The app closes after the current test. */
export async function createConnectionsService(
  pica: Pick<PicaEmulator, 'secretKey' | 'url' | 'vendor'>,
  options?: TestOptions,
): Promise<AuthKitConnectionsService> {
  return (await createApp({ pica, options })).get(AuthKitConnectionsService);
}

/** Gives the tests of a `describe` block an emulator of a vendor, and what they do with its connections. */
export function useConnections(vendor: AuthKitVendor) {
  const pica = useEmulator({ vendor, integrations: 3 });
  return {
    pica,
    create: (options?: TestOptions) => createConnectionsService(pica, options),
    /** One call for each list: Pica has one of the active and one of the inactive connections. */
    lists: vendor === 'pica' ? 2 : 1,
    connectMany: (count: number, identity = 'ada', platform = 'gmail') =>
      Array.from({ length: count }, () => pica.connect(identity, platform)),
  };
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

/** What a caller can see of a failure. */
export function facts(promise: Promise<unknown>) {
  return promise.then(
    () => 'none',
    (error: AuthKitException) => ({
      reason: error.reason,
      response: error.getResponse(),
      status: error.getStatus(),
      upstreamStatus: error.upstreamStatus,
      correlationId: error.correlationId,
      attempts: error.attempts,
    }),
  );
}

/** The exception that a promise rejects with. */
export function failureOf(
  promise: Promise<unknown>,
): Promise<AuthKitException> {
  return promise.then(
    () => Promise.reject(new Error('did not fail')),
    (error: AuthKitException) => error,
  );
}

export function idsOf(rows: readonly { id: string }[]): string[] {
  return rows.map(({ id }) => id);
}

/** The ids in an order that does not depend on the lists of a vendor. */
export function sortedIds(rows: readonly { id: string }[]): string[] {
  return idsOf(rows).sort();
}

/** A signal and what aborts it. */
export function controller() {
  const aborter = new AbortController();
  return { signal: aborter.signal, abort: () => aborter.abort() };
}
