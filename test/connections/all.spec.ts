import { AuthKitConnectionsService } from '../../lib/index.js';
import { createApp, reasonOf } from '../support/app.js';
import {
  ADA,
  collect,
  CONNECTIONS,
  controller,
  idsOf,
  sortedIds,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';
import { until } from '../support/until.js';

describe.each(VENDOR_NAMES)('all() connections of %s', (vendor) => {
  const { pica, create, connectMany } = useConnections(vendor);
  it('iterates over all pages, each connection once', async () => {
    const own = connectMany(310);
    connectMany(5, 'bob');
    for (const { id } of own.slice(0, 40)) pica.breakConnection(id);
    const service = await create();
    const found = await collect(service.all(ADA));
    expect(sortedIds(found)).toEqual(sortedIds(own));
  });

  it('can be iterated twice, and fetches a page only when it is needed', async () => {
    connectMany(310);
    const service = await create();
    const connections = service.all(ADA);
    expect(pica.requests).toHaveLength(0);
    for await (const connection of connections) {
      expect(connection.identity).toBe('ada');
      break;
    }
    expect(pica.requests).toHaveLength(1);
    expect(await collect(connections)).toHaveLength(310);
  });

  it('fails with `malformed` when the upstream announces more than 10,000 pages', async () => {
    connectMany(3);
    pica.fault({
      path: CONNECTIONS,
      transform: (body) => ({ ...body, pages: 10_001 }),
    });
    const service = await create();
    expect(await reasonOf(collect(service.all(ADA)))).toBe('malformed');
    expect(await reasonOf(service.resolve(ADA))).toBe('malformed');
    expect(await reasonOf(service.deleteAll(ADA))).toBe('malformed');
    expect(pica.connections).toHaveLength(3);
  });

  it('is not ended by an empty page in the middle, and neither are the other methods', async () => {
    const own = Array.from({ length: 310 }, (_, index) =>
      pica.connect('ada', 'gmail', {
        tags: index === 309 ? ['mine', 'last'] : ['mine'],
      }),
    );
    pica.fault({
      path: CONNECTIONS,
      page: 2,
      transform: (body) => ({ ...body, rows: [] }),
    });
    const service = await create();
    const seen = [...own.slice(0, 150), ...own.slice(300)];
    expect(idsOf(await collect(service.all(ADA)))).toEqual(idsOf(seen));
    expect(await service.list(ADA)).toMatchObject({ total: 160 });
    expect(
      await service.resolve(ADA, { tags: ['mine', 'last'] }),
    ).toMatchObject({ id: own[309]!.id });
    expect(await service.deleteAll(ADA, { dryRun: true })).toBe(160);
  });

  it('waits as Retry-After says when the upstream responds with 429, and goes on', async () => {
    connectMany(310);
    const service = await create({ retries: 0 });
    pica.fault({
      path: CONNECTIONS,
      page: 2,
      times: 1,
      status: 429,
      headers: { 'retry-after': '1' },
    });
    expect(await collect(service.all(ADA))).toHaveLength(310);
  });

  it('has the `timeout` for each page and not for the whole', async () => {
    connectMany(460);
    const service = await create({ timeout: 500, attemptTimeout: 500 });
    pica.latency = 200;
    expect(await collect(service.all(ADA))).toHaveLength(460);
    pica.latency = 700;
    expect(await reasonOf(collect(service.all(ADA)))).toBe('timed_out');
  });

  it.each([
    'within a call',
    'between two calls',
    'while it waits for a rate limit',
  ])('is cancelled by its signal %s', async (when) => {
    connectMany(310);
    const service = await create({ retries: 0 });
    const { signal, abort } = controller();
    if (when === 'within a call') pica.fault({ page: 2, hang: true });
    if (when.startsWith('while')) {
      pica.fault({
        page: 2,
        status: 429,
        headers: { 'retry-after': '300' },
      });
    }
    const isBetween = when.startsWith('between');
    const read = (async () => {
      let count = 0;
      for await (const _ of service.all(ADA, { signal })) {
        if (++count === 150 && isBetween) abort();
      }
    })();
    const reason = reasonOf(read);
    if (!isBetween) {
      await until(() => pica.requests.some(({ query }) => query.page === '2'));
      await new Promise((resolve) => setTimeout(resolve, 50));
      abort();
    }
    expect(await reason).toBe('cancelled');
    if (when === 'within a call') {
      await until(() => pica.requests.at(-1)!.aborted);
    }
    expect(pica.requests).toHaveLength(isBetween ? 1 : 2);
  });

  it.each([
    ['waits for 5 min at most', '301'],
    ['waits 10 times in a row at most', '0'],
  ])('%s for a rate limit, and then fails', async (_, retryAfter) => {
    connectMany(1);
    const fault = pica.fault({
      status: 429,
      headers: { 'retry-after': retryAfter },
    });
    const service = await create({ retries: 0 });
    const reason = await reasonOf(collect(service.all(ADA)));
    expect(reason).toBe('rate_limited');
    expect(fault.hits).toBe(retryAfter === '0' ? 11 : 1);
  });

  it('stops waiting for a rate limit when the app shuts down', async () => {
    connectMany(1);
    pica.fault({ status: 429, headers: { 'retry-after': '300' } });
    const app = await createApp({ pica, options: { retries: 0 } });
    const service = app.get(AuthKitConnectionsService);
    const reason = reasonOf(collect(service.all(ADA)));
    await until(() => pica.requests.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await app.close();
    expect(await reason).toBe('unavailable');
  });
});
