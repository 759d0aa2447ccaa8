import KeyvRedis from '@keyv/redis';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  expect,
  it,
} from '@jest/globals';
import { Keyv } from 'keyv';
import type { AuthKitTokenService } from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { callsTo } from '../support/calls.js';
import { stopApps } from '../support/run-app.js';
import { tokenService } from '../support/token-service.js';
import { RedisServer } from './redis-server.js';

let pica: PicaEmulator;
let redis: RedisServer;
let keyvs: Keyv[];
let one: AuthKitTokenService;
let other: AuthKitTokenService;

/** An instance of the app, with a connection of its own to the one Redis. */
async function instance(): Promise<AuthKitTokenService> {
  const keyv = new Keyv(new KeyvRedis(redis.url));
  keyvs.push(keyv);
  return tokenService(pica, {
    cache: { store: keyv, flags: true, integrations: true },
  });
}

beforeAll(async () => {
  pica = await PicaEmulator.start({ whiteLabel: true });
});
beforeEach(async () => {
  keyvs = [];
  redis = await RedisServer.start();
  [one, other] = [await instance(), await instance()];
});
afterEach(async () => {
  await stopApps();
  for (const keyv of keyvs)
    await (keyv.store as KeyvRedis<unknown>).disconnect(true);
  await redis.kill();
  pica.reset();
});
afterAll(() => pica.stop());

const ADA = { identity: 'ada' };

/** A token that has to be right, whatever Redis does. */
async function rightToken(tokens: AuthKitTokenService) {
  const token = await tokens.create(ADA);
  expect(token.rows).toEqual(pica.rows);
  expect(token.isWhiteLabel).toBe(true);
  return token;
}

/** Until a token of an instance costs one call. */
async function untilCached(tokens: AuthKitTokenService): Promise<void> {
  for (;;) {
    pica.reset();
    await rightToken(tokens);
    if (callsTo(pica).length === 1) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

it('what one instance has learnt, another does not ask for', async () => {
  await untilCached(one);
  pica.reset();
  const tokens = [await rightToken(other), await rightToken(one)];
  expect(callsTo(pica)).toEqual(['page 1', 'page 1']);
  expect(tokens[0]!.requestId).not.toBe(tokens[1]!.requestId);
});

it('what one instance finds changed is changed for the other', async () => {
  await untilCached(one);
  pica.integrations = 300;
  await untilCached(one);
  pica.reset();
  expect((await rightToken(other)).total).toBe(300);
  expect(callsTo(pica)).toEqual(['page 1']);
  pica.integrations = 247;
});

it('tokens keep coming while it is killed, and cost one call again once it is back', async () => {
  await untilCached(one);
  await untilCached(other);
  let slowest = 0;
  const ask = async (tokens: AuthKitTokenService) => {
    const started = performance.now();
    await rightToken(tokens);
    slowest = Math.max(slowest, performance.now() - started);
  };
  const during = [ask(one), ask(other)];
  await redis.kill();
  for (let index = 0; index < 10; index += 1) {
    during.push(ask(one), ask(other));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await Promise.all(during);
  // 250 ms for Redis, and the rest for a busy machine.
  expect(slowest).toBeLessThan(1_500);
  await redis.run();
  await untilCached(one);
  await untilCached(other);
});

it('tokens keep coming while it hangs', async () => {
  await untilCached(one);
  redis.freeze();
  const started = performance.now();
  for (let index = 0; index < 5; index += 1) await rightToken(one);
  expect(performance.now() - started).toBeLessThan(3_000);
});
