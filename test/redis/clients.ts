import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { createClient } from 'redis';
import { createClient as createClient4 } from 'redis-4';
import type { AuthKitRedisClient } from '../../lib/index.js';
import { afterTest } from '../support/cleanup.js';

/** A client of each package, and of its oldest version that `redisStore()` knows. */
export const CLIENTS = ['redis', 'redis 4', 'ioredis', 'ioredis 5'] as const;

/** Connects a client, which closes after the current test. It has no listener for errors. */
export async function connect(
  name: (typeof CLIENTS)[number],
  url: string,
): Promise<AuthKitRedisClient> {
  if (name === 'redis') {
    const client = createClient({ url });
    afterTest(() => client.destroy());
    return client.connect();
  }
  if (name === 'redis 4') {
    const client = createClient4({ url });
    afterTest(() => client.disconnect());
    return client.connect();
  }
  const client = name === 'ioredis' ? new Redis(url) : new Redis5(url);
  afterTest(() => client.disconnect());
  return client;
}
