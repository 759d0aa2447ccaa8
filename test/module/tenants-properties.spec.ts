import { useTenantWorlds } from '../support/tenants.js';

/** For each vendor. `PROPERTY_RUNS=2000 npm test -- test/module/tenants-properties` runs more. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 30);

/** What has to happen for the test to be worth something. */
const OPERATIONS = [
  'token',
  'json',
  'page',
  'integrations',
  'list',
  'find',
  'redeem',
];

describe.each(['pica', 'one'] as const)('tenants of %s', (vendor) => {
  const worlds = useTenantWorlds(vendor);

  it(
    'get nothing of another key, scope, tenant or identity, whatever is cached and whatever fails',
    async () => {
      const successes = await worlds.check(RUNS);
      const rare = OPERATIONS.filter(
        (what) => (successes[what] ?? 0) < RUNS / 10,
      );
      expect(rare).toEqual([]);
    },
    30_000 + RUNS * 2_000,
  );
});
