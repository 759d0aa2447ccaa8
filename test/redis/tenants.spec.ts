import KeyvRedis from '@keyv/redis';
import { Keyv } from 'keyv';
import { afterTest } from '../support/cleanup.js';
import { useTenantWorlds } from '../support/tenants.js';
import { RedisServer } from './redis-server.js';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 8);

describe.each(['pica', 'one'] as const)('tenants of %s', (vendor) => {
  const worlds = useTenantWorlds(vendor);

  it(
    'get nothing of another key, scope, tenant or identity out of a Redis that two instances share',
    async () => {
      const redis = await RedisServer.start();
      afterTest(() => redis.kill());
      const adapters = [new KeyvRedis(redis.url), new KeyvRedis(redis.url)];
      afterTest(() =>
        Promise.all(adapters.map((each) => each.disconnect(true))),
      );
      const [one, other] = adapters.map((adapter) => new Keyv(adapter));
      // What one run has stored serves the next ones: the accounts are the same.
      const successes = await worlds.check(RUNS, () => [one!, other!]);
      for (const what of ['token', 'json', 'integrations'] as const) {
        expect(successes[what]).toBeGreaterThan(0);
      }
      const keys = await adapters[0]!.client.keys('*');
      expect(keys.join()).toMatch(/authkit:integrations:/);
      expect(keys.join()).not.toMatch(/sk_test/);
    },
    30_000 + RUNS * 2_000,
  );
});
