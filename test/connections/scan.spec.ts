import { ownerOf, type AuthKitConnection } from '../../lib/index.js';
import { reasonOf } from '../support/app.js';
import {
  collect,
  CONNECTIONS,
  idsOf,
  sortedIds,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';
import { until } from '../support/until.js';

describe.each(VENDOR_NAMES)('scan() of connections of %s', (vendor) => {
  const { pica, create, connectMany } = useConnections(vendor);

  it('gives the connections of all owners, page by page, the inactive ones too', async () => {
    connectMany(160);
    connectMany(150, 'bob', 'slack');
    const nobodys = pica.connect({}, 'gmail');
    pica.breakConnection(nobodys.id);
    const service = await create();
    const scan = service.scan();
    expect(pica.requests).toEqual([]);
    for await (const _ of scan) break;
    expect(pica.requests).toHaveLength(1);
    const found = await collect(scan);
    expect(sortedIds(found)).toEqual(sortedIds(pica.connections));
    expect(pica.requests.every(({ query }) => !query.identity)).toBe(true);
  });

  it('gives those that the filter says', async () => {
    connectMany(2);
    const slack = pica.connect('bob', 'slack', { tags: ['x', 'y'] });
    const broken = pica.connect('bob', 'slack', { tags: ['x'] });
    pica.breakConnection(broken.id);
    const service = await create();
    for (const [filter, expected] of [
      [{ platform: 'slack' }, [slack, broken]],
      [{ platform: 'slack', active: true }, [slack]],
      [{ active: false }, [broken]],
      [{ tags: ['x', 'y'] }, [slack]],
    ] as const) {
      const found = await collect(service.scan(filter));
      expect(idsOf(found)).toEqual(idsOf(expected));
    }
  });

  it('gives each once though pages shift, and misses none', async () => {
    const all = connectMany(460);
    const service = await create();
    let isShifted = false;
    // The first 10 rows disappear while page 2 is on its way: page 2 then misses 10.
    pica.fault({
      path: CONNECTIONS,
      transform: (body) => body,
      when: ({ query }) => {
        if (query.page === '2') isShifted = true;
        return false;
      },
    });
    pica.fault({
      path: CONNECTIONS,
      when: () => isShifted,
      transform: (body) => {
        const number = Number(body.page);
        const source = all.slice(10);
        const isActiveList = body.rows.length > 0 || body.total > 0;
        if (!isActiveList) return body;
        const rows = source.slice((number - 1) * 150, number * 150);
        return { ...body, rows, total: source.length, pages: 3 };
      },
    });
    const ids = idsOf(await collect(service.scan()));
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(sortedIds(all));
  });

  it('is not ended by an empty page', async () => {
    const all = connectMany(310);
    pica.fault({
      path: CONNECTIONS,
      page: 2,
      transform: (body) => ({ ...body, rows: [] }),
    });
    const ids = idsOf(await collect((await create()).scan()));
    expect(ids).toEqual(idsOf([...all.slice(0, 150), ...all.slice(300)]));
  });

  it('skips rows that are no connections', async () => {
    const [first] = connectMany(2);
    pica.fault({
      path: CONNECTIONS,
      transform: (body) => {
        if (body.rows[1]) body.rows[1].key = null;
      },
    });
    const ids = idsOf(await collect((await create()).scan()));
    expect(ids).toEqual([first!.id]);
  });

  it('fails with `malformed` beyond 10,000 pages', async () => {
    connectMany(1);
    pica.fault({
      path: CONNECTIONS,
      transform: (body) => ({ ...body, pages: 10_001 }),
    });
    const scan = (await create()).scan();
    expect(await reasonOf(collect(scan))).toBe('malformed');
    expect(pica.requests).toHaveLength(1);
  });

  it('waits for a rate limit and goes on', async () => {
    connectMany(160);
    const fault = pica.fault({
      path: CONNECTIONS,
      page: 2,
      times: 2,
      status: 429,
      headers: { 'retry-after': '0' },
    });
    const service = await create({ retries: 0 });
    expect(await collect(service.scan())).toHaveLength(160);
    expect(fault.hits).toBe(2);
  });

  it('ends on its signal', async () => {
    connectMany(160);
    pica.fault({ page: 2, hang: true });
    const aborter = new AbortController();
    const { signal } = aborter;
    const reason = reasonOf(collect((await create()).scan({ signal })));
    await until(() => pica.requests.length === 2);
    aborter.abort();
    expect(await reason).toBe('cancelled');
  });

  it.each(['secretKey', 'scope'] as const)(
    'needs `as` when %s is a function, and passes it on, tenant included',
    async (option) => {
      if (option === 'scope' && vendor === 'pica') return;
      pica.connect('ada', 'gmail');
      const received: unknown[] = [];
      const service = await create({
        secretKey: pica.secretKey,
        [option]: (identity: unknown) => {
          received.push(identity);
          return option === 'scope' ? {} : pica.secretKey;
        },
      });
      expect(await reasonOf(collect(service.scan()))).toBe('invalid_argument');
      expect([received, pica.requests]).toEqual([[], []]);
      const as = { identity: 'job', tenant: 'acme' };
      const [connection] = await collect(service.scan({ as }));
      expect(received[0]).toMatchObject(as);
      expect(ownerOf(connection!)).toMatchObject({
        identity: 'ada',
        tenant: 'acme',
      });
      expect(JSON.stringify(connection)).not.toContain('acme');
    },
  );

  it.each([null, {}, '', { identity: 'a\n' }])(
    'refuses %j as `as`, without a call',
    async (as) => {
      const scan = (await create()).scan({ as: as as never });
      expect(await reasonOf(collect(scan))).toMatch(
        /unidentified|invalid_identity/,
      );
      expect(pica.requests).toEqual([]);
    },
  );

  it('gives connections whose owner the other methods take', async () => {
    const team = { identity: 'ada', identityType: 'team' } as const;
    pica.connect(team, 'gmail');
    const service = await create();
    for await (const connection of service.scan()) {
      await service.delete(ownerOf(connection)!, connection.id);
    }
    expect(pica.connections).toEqual([]);
  });
});

describe('ownerOf()', () => {
  it.each<[string, object, object | undefined]>([
    [
      'an identity',
      { identity: 'ada' },
      { identity: 'ada', identityType: 'user' },
    ],
    [
      'a type',
      { identity: 'a', identityType: 'team' },
      { identity: 'a', identityType: 'team' },
    ],
    ['no identity', {}, undefined],
    ['an identity of null', { identity: null }, undefined],
    ['an empty identity', { identity: '' }, undefined],
    ['an identity that is a number', { identity: 7 }, undefined],
    ['an unknown type', { identity: 'a', identityType: 'admin' }, undefined],
  ])('of a connection with %s', (_, row, expected) => {
    const owner = ownerOf(row as AuthKitConnection);
    if (expected) expect(owner).toMatchObject(expected);
    else expect(owner).toBeUndefined();
  });
});
