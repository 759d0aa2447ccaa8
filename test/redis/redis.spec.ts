import { setTimeout as sleep } from 'node:timers/promises';
import KeyvRedis from '@keyv/redis';
import { Keyv } from 'keyv';
import type { AuthKitTokenService } from '../../lib/index.js';
import { createTokenService } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { requestNames, useEmulator } from '../support/emulator.js';
import { RedisServer } from './redis-server.js';

const pica = useEmulator({ whiteLabel: true });
const ADA = { identity: 'ada' };

let redis: RedisServer;
let one: AuthKitTokenService;
let other: AuthKitTokenService;

/** Creates an instance of the app, with a connection of its own to Redis. */
async function createInstance(): Promise<AuthKitTokenService> {
  const adapter = new KeyvRedis(redis.url);
  afterTest(() => adapter.disconnect(true));
  return createTokenService(pica, {
    cache: { store: new Keyv(adapter), flags: true, integrations: true },
  });
}

beforeEach(async () => {
  redis = await RedisServer.start();
  afterTest(() => redis.kill());
  [one, other] = [await createInstance(), await createInstance()];
});

/** Creates a token, which is complete whatever Redis does, and lists the requests that it took. */
async function create(tokens: AuthKitTokenService) {
  const before = pica.requests.length;
  const token = await tokens.create(ADA);
  expect(token.rows).toEqual(pica.rows);
  expect(token.isWhiteLabel).toBe(true);
  const requests = requestNames({ requests: pica.requests.slice(before) });
  return { token, requests };
}

/** Creates tokens until one takes a single request. */
async function untilCached(tokens: AuthKitTokenService): Promise<void> {
  while ((await create(tokens)).requests.length > 1) await sleep(100);
}

it('an instance uses what another has cached', async () => {
  await untilCached(one);
  const created = [await create(other), await create(one)];
  for (const { requests } of created) expect(requests).toEqual(['page 1']);
  expect(created[0]!.token.requestId).not.toBe(created[1]!.token.requestId);
});

it('an instance uses the integrations that another has replaced after a change', async () => {
  await untilCached(one);
  pica.integrations = 300;
  await untilCached(one);
  const { token, requests } = await create(other);
  expect(token.total).toBe(300);
  expect(requests).toEqual(['page 1']);
});

it('tokens are complete and on time while Redis is killed, and take one request again after it is back', async () => {
  await untilCached(one);
  await untilCached(other);
  let slowest = 0;
  const measure = async (tokens: AuthKitTokenService) => {
    const started = performance.now();
    await create(tokens);
    slowest = Math.max(slowest, performance.now() - started);
  };
  const creating = [measure(one), measure(other)];
  await redis.kill();
  for (let index = 0; index < 10; index += 1) {
    creating.push(measure(one), measure(other));
    await sleep(50);
  }
  await Promise.all(creating);
  // 250 ms for Redis, and the rest for a busy machine.
  expect(slowest).toBeLessThan(1_500);
  await redis.run();
  await untilCached(one);
  await untilCached(other);
});

it('tokens are complete and on time while Redis hangs', async () => {
  await untilCached(one);
  redis.freeze();
  const started = performance.now();
  for (let index = 0; index < 5; index += 1) await create(one);
  expect(performance.now() - started).toBeLessThan(3_000);
});
