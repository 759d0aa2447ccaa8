import { LIMITS } from '../../lib/options/limits.js';
import { reasonOf } from '../support/app.js';
import {
  ADA,
  controller,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';
import { captureWarnings } from '../support/mocks.js';
import { until } from '../support/until.js';

describe.each(VENDOR_NAMES)('findByKey() of connections of %s', (vendor) => {
  const { pica, create, lists, connectMany } = useConnections(vendor);
  it('finds a connection whose key has spaces and colons', async () => {
    const own = pica.connect('ada lovelace:1', 'gmail');
    const service = await create();
    captureWarnings();
    expect(
      await service.findByKey({ identity: 'ada lovelace:1' }, own.key),
    ).toMatchObject({ id: own.id });
  });

  it('finds a connection that has failed', async () => {
    const own = pica.connect('ada', 'gmail');
    pica.breakConnection(own.id);
    const service = await create();
    expect(await service.findByKey(ADA, own.key)).toMatchObject({
      id: own.id,
      state: 'failed',
    });
  });

  it('walks through all connections when the upstream ignores the filter', async () => {
    connectMany(320, 'bob');
    const own = pica.connect('ada', 'gmail');
    const other = pica.connect('bob', 'slack');
    pica.ignoreFilters = true;
    const service = await create({ [LIMITS]: { maxPages: 1 } });
    expect(await service.findByKey(ADA, own.key)).toMatchObject({
      id: own.id,
    });
    expect(await service.findByKey(ADA, other.key)).toBeUndefined();
    expect(await service.findByKey(ADA, 'absent')).toBeUndefined();
  });

  it('looks once by default', async () => {
    const service = await create();
    expect(await service.findByKey(ADA, 'absent')).toBeUndefined();
    expect(pica.requests).toHaveLength(lists);
  });

  it('looks again for up to `waitFor` ms, at growing intervals', async () => {
    const service = await create();
    setTimeout(() => pica.connect('ada', 'gmail', { key: 'late' }), 300);
    expect(
      await service.findByKey(ADA, 'late', { waitFor: 5_000 }),
    ).toMatchObject({ key: 'late' });
    expect(pica.requests.length).toBeLessThanOrEqual(5 * lists);
    const startedAt = performance.now();
    expect(
      await service.findByKey(ADA, 'absent', { waitFor: 400 }),
    ).toBeUndefined();
    const duration = performance.now() - startedAt;
    expect(duration).toBeGreaterThan(390);
    expect(duration).toBeLessThan(2_000);
  });

  it('has the time of `waitFor` in addition to the `timeout`', async () => {
    const service = await create({ timeout: 400 });
    setTimeout(() => pica.connect('ada', 'gmail', { key: 'late' }), 600);
    expect(
      await service.findByKey(ADA, 'late', { waitFor: 2_000 }),
    ).toMatchObject({ key: 'late' });
  });

  it.each([-1, NaN, '5', null])(
    'fails with `invalid_argument` without a call for `waitFor: %p`',
    async (waitFor) => {
      const service = await create();
      const options = { waitFor: waitFor as number };
      expect(await reasonOf(service.findByKey(ADA, 'key', options))).toBe(
        'invalid_argument',
      );
      expect(pica.requests).toEqual([]);
    },
  );

  it('makes no further call once it is cancelled between two looks', async () => {
    const service = await create();
    const { signal, abort } = controller();
    const result = service.findByKey(ADA, 'absent', {
      waitFor: 5_000,
      signal,
    });
    const reason = reasonOf(result);
    await until(
      () => pica.requests.filter(({ status }) => status).length === lists,
    );
    await new Promise((resolve) => setTimeout(resolve, 60));
    abort();
    expect(await reason).toBe('cancelled');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(pica.requests).toHaveLength(lists);
  });
});
