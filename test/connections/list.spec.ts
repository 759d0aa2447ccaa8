import type {
  AuthKitConnection,
  AuthKitConnectionFilter,
  AuthKitIdentity,
} from '../../lib/index.js';
import type { EmulatorConnection } from '../../lib/testing/index.js';
import { reasonOf } from '../support/app.js';
import {
  ADA,
  collect,
  CONNECTIONS,
  failureOf,
  idsOf,
  sortedIds,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';

describe.each(VENDOR_NAMES)('list() of connections of %s', (vendor) => {
  const { pica, create, lists, connectMany } = useConnections(vendor);
  it('returns the rows whole, in pages of 20 by default', async () => {
    connectMany(2, 'bob');
    connectMany(45);
    pica.fault({
      path: CONNECTIONS,
      transform: (body) => {
        for (const row of body.rows) row.newField = { deep: [1] };
      },
    });
    const service = await create();
    const first = await service.list(ADA);
    expect(first).toMatchObject({ total: 45, pages: 3, page: 1 });
    expect(first.rows).toHaveLength(20);
    const { connectionDefinitionId: _, ...row } = pica.connections[2]!;
    expect(first.rows[0]).toEqual({ ...row, newField: { deep: [1] } });
    const pages = [first];
    for (const page of [2, 3]) pages.push(await service.list(ADA, { page }));
    const all = pages.flatMap(({ rows }) => rows);
    expect(idsOf(all)).toEqual(idsOf(pica.connections.slice(2)));
    expect(await service.list(ADA, { page: 4 })).toEqual({
      rows: [],
      total: 45,
      pages: 3,
      page: 4,
    });
    expect(await service.list(ADA, { page: 5, limit: 10 })).toMatchObject({
      total: 45,
      pages: 5,
      rows: { length: 5 },
    });
  });

  it('takes one round trip for the first page of a short list', async () => {
    connectMany(3);
    pica.breakConnection(pica.connections[1]!.id);
    const service = await create();
    expect((await service.list(ADA)).rows).toHaveLength(3);
    expect(pica.requests).toHaveLength(lists);
    expect(pica.requests.every(({ query }) => query.page === '1')).toBe(true);
  });

  it('sends `page` with every call', async () => {
    connectMany(200);
    const service = await create();
    await service.list(ADA, { limit: 150 });
    await collect(service.all(ADA));
    await service.findByKey(ADA, pica.connections[0]!.key);
    await service.resolve(ADA).catch(() => {});
    await service.deleteAll(ADA, { dryRun: true });
    const pages = pica.requests.map(({ query }) => query.page);
    expect(pages.every((page) => /^[1-9]\d*$/.test(page ?? ''))).toBe(true);
  });

  it('includes the inactive ones, after the active ones, unless the filter says otherwise', async () => {
    const [first, second, third] = connectMany(3);
    pica.breakConnection(first!.id);
    const service = await create();
    const idsFor = async (active?: boolean | 'any') =>
      sortedIds(
        (await service.list(ADA, active === undefined ? {} : { active })).rows,
      );
    expect(await idsFor()).toEqual(sortedIds([first!, second!, third!]));
    expect(await idsFor('any')).toEqual(await idsFor());
    expect(await idsFor(true)).toEqual(sortedIds([second!, third!]));
    expect(await idsFor(false)).toEqual([first!.id]);
    pica.ignoreFilters = ['active'];
    expect(await idsFor()).toEqual(sortedIds([first!, second!, third!]));
    expect(await service.list(ADA)).toMatchObject({ total: 3, pages: 1 });
    expect(await idsFor(true)).toEqual(sortedIds([second!, third!]));
    expect(await idsFor(false)).toEqual([first!.id]);
  });

  it.each<
    [
      string,
      (
        | boolean
        | (
            'identity' | 'identityType' | 'platform' | 'key' | 'tags' | 'active'
          )[]
      ),
    ]
  >([
    ['obeys all filters', false],
    ['ignores all filters', true],
    ['ignores the identity', ['identity']],
    ['ignores the type', ['identityType']],
    ['ignores the platform', ['platform']],
    ['ignores the key', ['key']],
    ['ignores the tags', ['tags']],
    ['ignores the activity', ['active']],
  ])(
    "counts and returns the owner's own alone when the upstream %s",
    async (_, ignored) => {
      const team = { identity: 'ada', identityType: 'team' } as const;
      for (let index = 0; index < 30; index += 1) {
        pica.connect('ada', index % 2 ? 'gmail' : 'slack', {
          tags: index % 3 ? ['x'] : ['x', 'y'],
        });
        pica.connect('bob', 'gmail', { tags: ['x', 'y'] });
        pica.connect(team, 'gmail', { tags: ['x', 'y'] });
      }
      for (const { id } of pica.connections.slice(0, 12)) {
        pica.breakConnection(id);
      }
      const matching = (
        type: string,
        test: (row: EmulatorConnection) => boolean = () => true,
      ) =>
        pica.connections.filter(
          (row) =>
            row.identity === 'ada' &&
            (row.identityType ?? 'user') === type &&
            test(row),
        );
      pica.ignoreFilters =
        typeof ignored === 'object' && vendor === 'one'
          ? ignored.filter((name) => name !== 'active')
          : ignored;
      const service = await create();
      const key = matching('user')[3]!.key;
      for (const [owner, filter, expected] of [
        [ADA, {}, matching('user')],
        [team, {}, matching('team')],
        [
          ADA,
          { platform: 'gmail' },
          matching('user', ({ platform }) => platform === 'gmail'),
        ],
        [
          ADA,
          { tags: ['x', 'y'] },
          matching('user', ({ tags }) => tags.includes('y')),
        ],
        [ADA, { active: false }, matching('user', (row) => !row.active)],
        [ADA, { key }, [matching('user')[3]!]],
        [
          ADA,
          { platform: 'slack', tags: ['y', 'x'], active: true },
          matching(
            'user',
            ({ platform, tags, active }) =>
              platform === 'slack' && tags.includes('y') && active,
          ),
        ],
      ] as [AuthKitIdentity, AuthKitConnectionFilter, EmulatorConnection[]][]) {
        for (const limit of [4, 150]) {
          const rows: AuthKitConnection[] = [];
          for (let page = 1; page <= 9; page += 1) {
            const found = await service.list(owner, {
              ...filter,
              page,
              limit,
            });
            expect(found).toMatchObject({
              total: expected.length,
              pages: Math.ceil(expected.length / limit),
              page,
            });
            rows.push(...found.rows);
          }
          expect(sortedIds(rows)).toEqual(sortedIds(expected));
        }
        expect(sortedIds(await collect(service.all(owner, filter)))).toEqual(
          sortedIds(expected),
        );
      }
    },
  );

  it.each<[string, object]>([
    ['page: 0', { page: 0 }],
    ['page: -1', { page: -1 }],
    ['page: 1.5', { page: 1.5 }],
    ['page: "1"', { page: '1' }],
    ['page: NaN', { page: NaN }],
    ['page: null', { page: null }],
    ['limit: 0', { limit: 0 }],
    ['limit: 151', { limit: 151 }],
    ['limit: "20"', { limit: '20' }],
    ['platform: 1', { platform: 1 }],
    ['platform: ["gmail"]', { platform: ['gmail'] }],
    ['platform: null', { platform: null }],
    ['key: {}', { key: {} }],
    ['tags: "x"', { tags: 'x' }],
    ['tags: [1]', { tags: [1] }],
    ['tags: [""]', { tags: [''] }],
    ['tags: half a surrogate pair', { tags: ['\ud800'] }],
    ['active: "true"', { active: 'true' }],
    ['active: null', { active: null }],
    ['a filter that is a string', 'gmail' as unknown as object],
    ['a filter that is null', null as unknown as object],
    ['a filter that is a list', ['gmail']],
  ])(
    'fails with `invalid_argument` without a call for %s',
    async (_, given) => {
      pica.connect('ada', 'gmail');
      const service = await create();
      const isOfPage = ['page', 'limit'].includes(Object.keys(given ?? {})[0]!);
      expect(await reasonOf(service.list(ADA, given))).toBe('invalid_argument');
      if (!isOfPage) {
        expect(await reasonOf(collect(service.all(ADA, given)))).toBe(
          'invalid_argument',
        );
        expect(await reasonOf(service.deleteAll(ADA, given))).toBe(
          'invalid_argument',
        );
        if (!(given instanceof Object && 'active' in given)) {
          expect(await reasonOf(service.resolve(ADA, given))).toBe(
            'invalid_argument',
          );
        }
      }
      expect(pica.requests).toEqual([]);
    },
  );

  it('does not quote an invalid argument', async () => {
    const service = await create();
    const { message } = await failureOf(
      service.list(ADA, { tags: ['private\n'] }),
    );
    expect(message).toMatch(/^tags must be a list/);
    expect(message).not.toContain('private');
  });

  it.each<
    [
      string,
      (body: { rows: object[]; total: number; pages: number }) => unknown,
    ]
  >([
    [
      'says that there are no rows',
      (body) => ({ ...body, total: 0, pages: 0 }),
    ],
    ['counts everybody', (body) => ({ ...body, total: 9_999 })],
    ['sends no total', (body) => ({ ...body, total: undefined })],
    ['sends a total of null', (body) => ({ ...body, total: null })],
    ['announces more pages', (body) => ({ ...body, pages: 5 })],
    [
      'repeats rows',
      (body) => ({ ...body, rows: [...body.rows, ...body.rows] }),
    ],
  ])(
    'returns and counts each connection once when the upstream %s',
    async (_, transform) => {
      const own = connectMany(3);
      pica.fault({ path: CONNECTIONS, transform });
      const service = await create();
      expect(await service.list(ADA)).toMatchObject({ total: 3, pages: 1 });
      expect(idsOf((await service.list(ADA)).rows)).toEqual(idsOf(own));
      expect(idsOf(await collect(service.all(ADA)))).toEqual(idsOf(own));
    },
  );

  it.each<[string, unknown]>([
    ['rows that are none', { rows: [1], pages: 1 }],
    ['no rows', { pages: 1, total: 1 }],
    ['no number of pages', { rows: [], total: 0 }],
    ['a negative total', { rows: [], total: -1, pages: 1 }],
    ['more rows than a page holds', { rows: Array(1_001).fill({}), pages: 1 }],
    [
      'a row that replaces a prototype',
      '{"rows":[{"__proto__":{}}],"pages":1}',
    ],
  ])('fails with `malformed` for %s', async (_, body) => {
    pica.fault({
      path: CONNECTIONS,
      status: 200,
      headers: { 'content-type': 'application/json' },
      body,
    });
    const service = await create();
    expect(await reasonOf(service.list(ADA))).toBe('malformed');
    expect(await reasonOf(collect(service.all(ADA)))).toBe('malformed');
    expect(await reasonOf(service.deleteAll(ADA))).toBe('malformed');
  });

  it.each<[string, object]>([
    ['a numeric id', { id: 7 }],
    ['an id that is a path', { id: '../../users' }],
    ['no key', { key: undefined }],
    ['a platform that is no string', { platform: null }],
  ])(
    'fails with `malformed` for an own row with %s, and ignores a foreign one',
    async (_, change) => {
      pica.connect('ada', 'gmail');
      pica.connect('bob', 'gmail');
      pica.ignoreFilters = true;
      const service = await create();
      for (const [broken, reason] of [
        ['bob', 'none'],
        ['ada', 'malformed'],
      ]) {
        pica.clearFaults();
        pica.fault({
          path: CONNECTIONS,
          transform: (body) => {
            for (const row of body.rows) {
              if (row.identity === broken) Object.assign(row, change);
            }
          },
        });
        expect(await reasonOf(service.list(ADA))).toBe(reason);
      }
      expect(await reasonOf(service.deleteAll(ADA))).toBe('malformed');
      expect(pica.connections).toHaveLength(2);
    },
  );
});
