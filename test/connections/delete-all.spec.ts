import { LIMITS } from '../../lib/options/limits.js';
import {
  ADA,
  CONNECTIONS,
  controller,
  failureOf,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';
import { captureWarnings, mockBackoff } from '../support/mocks.js';
import { until } from '../support/until.js';

describe.each(VENDOR_NAMES)('deleteAll() connections of %s', (vendor) => {
  const { pica, create, connectMany } = useConnections(vendor);
  it('deletes every connection of the owner, the inactive ones too, and no other', async () => {
    const own = connectMany(310);
    for (const { id } of own.slice(0, 160)) pica.breakConnection(id);
    const foreign = [
      ...connectMany(10, 'bob'),
      pica.connect({ identity: 'ada', identityType: 'team' }, 'gmail'),
      pica.connect({}, 'gmail'),
    ];
    const service = await create();
    expect(await service.deleteAll(ADA, { dryRun: true })).toBe(310);
    expect(pica.connections).toHaveLength(322);
    expect(await service.deleteAll(ADA)).toBe(310);
    expect(pica.connections).toEqual(foreign);
    expect(await service.deleteAll(ADA)).toBe(0);
  });

  it('deletes what the filter says and keeps the rest', async () => {
    const [broken] = connectMany(3);
    pica.breakConnection(broken!.id);
    const slack = pica.connect('ada', 'slack', { tags: ['x', 'y'] });
    const tagged = pica.connect('ada', 'gmail', { tags: ['x'] });
    const service = await create();
    expect(await service.deleteAll(ADA, { tags: ['x', 'y'] })).toBe(1);
    expect(pica.connections).not.toContainEqual(slack);
    expect(await service.deleteAll(ADA, { active: false })).toBe(1);
    expect(await service.deleteAll(ADA, { key: tagged.key })).toBe(1);
    expect(await service.deleteAll(ADA, { platform: 'slack' })).toBe(0);
    expect(await service.deleteAll(ADA, { platform: '' })).toBe(0);
    expect(await service.deleteAll(ADA, { platform: 'gmail' })).toBe(2);
  });

  it('leaves none when rows shift and further ones appear meanwhile', async () => {
    connectMany(200);
    const foreign = connectMany(200, 'bob');
    pica.ignoreFilters = true;
    let added = 0;
    pica.fault({
      method: 'DELETE',
      when: () => {
        if (added < 20) {
          added += 1;
          pica.connect('ada', 'gmail');
        }
        return false;
      },
      delay: 1,
    });
    const service = await create();
    expect(await service.deleteAll(ADA)).toBe(220);
    expect(pica.connections).toEqual(foreign);
  });

  it('fails when further connections appear all the time', async () => {
    connectMany(1);
    pica.fault({
      method: 'DELETE',
      when: () => Boolean(pica.connect('ada', 'gmail')) && false,
      delay: 1,
    });
    const service = await create();
    const failure = await failureOf(service.deleteAll(ADA));
    expect(failure).toMatchObject({ reason: 'unavailable', deleted: 10 });
  });

  it('says how many are deleted when it fails in the middle, and can be repeated', async () => {
    connectMany(50);
    const foreign = connectMany(3, 'bob');
    const fault = pica.fault({ method: 'DELETE', skip: 20, status: 402 });
    const service = await create();
    const failure = await failureOf(service.deleteAll(ADA));
    expect(failure).toMatchObject({ reason: 'quota_exceeded', deleted: 20 });
    expect(pica.connections).toHaveLength(33);
    fault.remove();
    expect(await service.deleteAll(ADA)).toBe(30);
    expect(pica.connections).toEqual(foreign);
  });

  it('has `deleted: 0` when the list fails', async () => {
    pica.fault({ path: CONNECTIONS, status: 400 });
    const service = await create();
    const failure = await failureOf(service.deleteAll(ADA));
    expect(failure).toMatchObject({ reason: 'rejected', deleted: 0 });
  });

  it('does not count as deleted what the upstream refuses to delete', async () => {
    connectMany(1);
    pica.fault({
      path: CONNECTIONS,
      transform: (body) => {
        for (const row of body.rows) row.id = 'conn_1';
      },
    });
    pica.fault({ method: 'DELETE', status: 400 });
    const service = await create();
    const failure = await failureOf(service.deleteAll(ADA));
    expect(failure).toMatchObject({ reason: 'rejected', deleted: 0 });
  });

  it('counts as deleted what a lost response had deleted', async () => {
    connectMany(30);
    const service = await create();
    mockBackoff(0);
    pica.fault({ method: 'DELETE', times: 5, cutOff: true });
    expect(await service.deleteAll(ADA)).toBe(30);
    expect(pica.connections).toEqual([]);
  });

  it('waits as Retry-After says when the upstream responds with 429, logs no warning and goes on', async () => {
    connectMany(30);
    const service = await create({ retries: 0, timeout: 500 });
    const warnings = captureWarnings();
    pica.fault({
      method: 'DELETE',
      skip: 10,
      times: 10,
      status: 429,
      headers: { 'retry-after': '1' },
    });
    const startedAt = performance.now();
    expect(await service.deleteAll(ADA)).toBe(30);
    expect(performance.now() - startedAt).toBeGreaterThan(950);
    expect(pica.connections).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it('has the `timeout` for each call and not for the whole', async () => {
    connectMany(40);
    pica.latency = 100;
    const service = await create({
      timeout: 400,
      attemptTimeout: 400,
      [LIMITS]: { concurrency: 2 },
    });
    expect(await service.deleteAll(ADA)).toBe(40);
  });

  it('stops on its signal, closes its calls and says how many are deleted', async () => {
    connectMany(30);
    const { signal, abort } = controller();
    const hanging = pica.fault({ method: 'DELETE', skip: 10, hang: true });
    const service = await create({ [LIMITS]: { concurrency: 4 } });
    const failure = failureOf(service.deleteAll(ADA, { signal }));
    await until(() => hanging.hits === 4);
    abort();
    expect(await failure).toMatchObject({ reason: 'cancelled', deleted: 10 });
    await until(
      () => pica.requests.filter(({ aborted }) => aborted).length === 4,
    );
    expect(pica.connections).toHaveLength(20);
  });

  it('makes at most `concurrency` calls at the same time', async () => {
    connectMany(30);
    let most = 0;
    pica.latency = 20;
    pica.fault({
      method: 'DELETE',
      when: () => {
        const pending = pica.requests.filter(
          ({ method, status }) => method === 'DELETE' && status === undefined,
        );
        most = Math.max(most, pending.length);
        return false;
      },
      delay: 0,
    });
    const service = await create({ [LIMITS]: { concurrency: 3 } });
    await service.deleteAll(ADA);
    expect(most).toBe(3);
  });
});
