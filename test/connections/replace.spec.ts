import { reasonOf } from '../support/app.js';
import {
  ADA,
  callsTo,
  CONNECTIONS,
  idsOf,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';

describe.each(VENDOR_NAMES)('replace() of connections of %s', (vendor) => {
  const { pica, create } = useConnections(vendor);
  it('copies name and tags, deletes the old connection last and returns the new one', async () => {
    const old = pica.connect('ada', 'gmail', {
      name: 'Work',
      tags: ['a', 'b'],
    });
    pica.breakConnection(old.id);
    const renewed = pica.connect('ada', 'gmail');
    const other = pica.connect('ada', 'gmail', { name: 'Private' });
    const service = await create();
    const result = await service.replace(ADA, old.id, renewed.key);
    expect(result).toMatchObject({
      id: renewed.id,
      key: renewed.key,
      name: 'Work',
      tags: ['a', 'b'],
      state: 'operational',
    });
    expect(idsOf(pica.connections)).toEqual([renewed.id, other.id]);
    expect(callsTo(pica).at(-1)).toBe(`DELETE ${CONNECTIONS}/${old.id}`);
  });

  it.each(['GET', 'PATCH', 'DELETE'])(
    'leaves both connections when a %s fails',
    async (method) => {
      const old = pica.connect('ada', 'gmail', { name: 'Work' });
      const renewed = pica.connect('ada', 'gmail');
      pica.fault({ method, status: 400 });
      if (method === 'GET') {
        pica.clearFaults();
        pica.fault({ path: CONNECTIONS, status: 402 });
      }
      const service = await create();
      expect(await reasonOf(service.replace(ADA, old.id, renewed.key))).toMatch(
        /rejected|quota_exceeded/,
      );
      expect(idsOf(pica.connections)).toEqual([old.id, renewed.id]);
      pica.clearFaults();
      await service.replace(ADA, old.id, renewed.key);
      expect(pica.connections).toMatchObject([
        { id: renewed.id, name: 'Work' },
      ]);
    },
  );

  it('fails with `invalid_argument` for the same connection and for one of another platform', async () => {
    const mine = pica.connect('ada', 'gmail');
    const slack = pica.connect('ada', 'slack');
    const service = await create();
    for (const key of [mine.key, slack.key]) {
      expect(await reasonOf(service.replace(ADA, mine.id, key))).toBe(
        'invalid_argument',
      );
    }
    expect(pica.connections).toEqual([mine, slack]);
    expect(pica.requests.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('completes or fails within the `timeout`, with all calls of a request', async () => {
    const mine = pica.connect('ada', 'gmail');
    const renewed = pica.connect('ada', 'gmail');
    pica.latency = 150;
    const service = await create({ timeout: 350, attemptTimeout: 300 });
    const startedAt = performance.now();
    expect(await reasonOf(service.replace(ADA, mine.id, renewed.key))).toBe(
      'timed_out',
    );
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    expect(pica.connections).toHaveLength(2);
  });
});
