import { LIMITS } from '../../lib/options/limits.js';
import { inspect } from 'node:util';
import {
  AuthKitConnectionsService,
  needsReconnect,
  type AuthKitConnection,
  type AuthKitConnectionFilter,
  type AuthKitException,
  type AuthKitIdentity,
} from '../../lib/index.js';
import type {
  EmulatorConnection,
  EmulatorFault,
} from '../../lib/testing/index.js';
import { createApp, optionsFor, reasonOf, register } from '../support/app.js';
import {
  callsTo,
  collect,
  CONNECTION,
  CONNECTIONS,
  createConnectionsService,
} from '../support/connections.js';
import { useEmulator } from '../support/emulator.js';
import {
  captureOutput,
  captureWarnings,
  mockBackoff,
} from '../support/mocks.js';
import { startServer } from '../support/server.js';
import { until } from '../support/until.js';
import {
  attemptsOf,
  attemptTimeoutOf,
  UPSTREAM_FAILURES,
  expectAttempts,
} from '../support/upstream-failures.js';

const ADA: AuthKitIdentity = { identity: 'ada' };
const BOB: AuthKitIdentity = { identity: 'bob' };
const ABSENT = '00000000-0000-4000-8000-000000000000';

/** What a caller can see of a failure. */
const facts = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: AuthKitException) => ({
      reason: error.reason,
      response: error.getResponse(),
      status: error.getStatus(),
      upstreamStatus: error.upstreamStatus,
      correlationId: error.correlationId,
      attempts: error.attempts,
    }),
  );

const failureOf = (promise: Promise<unknown>): Promise<AuthKitException> =>
  promise.then(
    () => Promise.reject(new Error('did not fail')),
    (error: AuthKitException) => error,
  );

const idsOf = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);
/** The ids in an order that does not depend on the lists of a vendor. */
const sortedIds = (rows: readonly { id: string }[]) => idsOf(rows).sort();

describe.each(['pica', 'one'] as const)('connections of %s', (vendor) => {
  const pica = useEmulator({ vendor, integrations: 3 });
  const create = (options?: Parameters<typeof createConnectionsService>[1]) =>
    createConnectionsService(pica, options);
  /** One call for each list: Pica has one of the active and one of the inactive connections. */
  const lists = vendor === 'pica' ? 2 : 1;
  const connectMany = (count: number, identity = 'ada', platform = 'gmail') =>
    Array.from({ length: count }, () => pica.connect(identity, platform));

  describe('the owner', () => {
    it.each<[string, unknown]>([
      ['undefined', undefined],
      ['null', null],
      ['an empty string', ''],
      ['blank', ' '],
      ['without identity', {}],
      ['a list', ['ada']],
      ['with a control character', { identity: 'a\nb' }],
      ['half of a surrogate pair', { identity: '\ud800' }],
      ['of an unknown type', { identity: 'ada', identityType: 'admin' }],
    ])(
      'is required: no method makes a call when it is %s',
      async (_, given) => {
        const mine = pica.connect('ada', 'gmail');
        const keys: unknown[] = [];
        const service = await create({
          secretKey: (identity) => {
            keys.push(identity);
            return pica.secretKey;
          },
        });
        const owner = given as AuthKitIdentity;
        for (const result of [
          service.list(owner),
          collect(service.all(owner)),
          service.get(owner, mine.id),
          service.findByKey(owner, mine.key),
          service.resolve(owner),
          service.update(owner, mine.id, { name: 'x' }),
          service.replace(owner, mine.id, mine.key),
          service.delete(owner, mine.id),
          service.deleteAll(owner),
        ]) {
          expect(await reasonOf(result)).toMatch(
            /unidentified|invalid_identity/,
          );
        }
        expect(pica.requests).toEqual([]);
        expect(keys).toEqual([]);
        expect(pica.connections).toHaveLength(1);
      },
    );

    it('is compared with each row, with a missing type as that of a user, and a row without identity belongs to no owner', async () => {
      const rows: [string | undefined, string | undefined][] = [
        ['ada', undefined],
        ['ada', 'user'],
        ['ada', 'team'],
        ['ada', 'organization'],
        ['Ada', undefined],
        ['ada ', undefined],
        [undefined, undefined],
        [undefined, 'user'],
      ];
      for (const [identity, identityType] of rows) {
        pica.connect({ identity, identityType } as never, 'gmail');
      }
      const [untyped, user, team, organization] = idsOf(pica.connections);
      const service = await create();
      for (const ignored of [false, true]) {
        pica.ignoreFilters = ignored;
        for (const [identityType, expected] of [
          [undefined, [untyped, user]],
          ['user', [untyped, user]],
          ['team', [team]],
          ['organization', [organization]],
          ['project', []],
        ] as const) {
          const owner = { identity: 'ada', identityType };
          const page = await service.list(owner);
          expect(idsOf(page.rows)).toEqual(expected);
          expect(page.total).toBe(expected.length);
          expect(idsOf(await collect(service.all(owner)))).toEqual(expected);
          for (const { id } of pica.connections) {
            const isOwn = (expected as readonly unknown[]).includes(id);
            expect(await reasonOf(service.get(owner, id))).toBe(
              isOwn ? 'none' : 'not_found',
            );
          }
        }
      }
    });

    it('is asked for by type unless that is user, since rows without a type count as those of a user', async () => {
      const service = await create();
      pica.connect('ada', 'gmail');
      await service.list({ identity: 'ada', identityType: 'user' });
      expect(pica.requests.some(({ query }) => 'identityType' in query)).toBe(
        false,
      );
      await service.list({ identity: 'ada', identityType: 'team' });
      expect(pica.requests.at(-1)!.query.identityType ?? 'unfiltered').toMatch(
        /^team$|^unfiltered$/,
      );
      expect(
        pica.requests.some(({ query }) => query.identityType === 'team'),
      ).toBe(true);
    });

    it.each<
      [
        string,
        (service: AuthKitConnectionsService, id: string) => Promise<unknown>,
      ]
    >([
      ['get', (service, id) => service.get(ADA, id)],
      ['update', (service, id) => service.update(ADA, id, { name: 'x' })],
      ['delete', (service, id) => service.delete(ADA, id)],
      [
        'replace',
        (service, id) => service.replace(ADA, id, 'test::gmail::default::ada'),
      ],
    ])(
      'gets the same failure from %s for an id of another owner and for one that does not exist',
      async (_, call) => {
        pica.connect('ada', 'gmail');
        const foreign = pica.connect('bob', 'gmail');
        const nobodys = pica.connect({}, 'gmail');
        const team = pica.connect(
          { identity: 'ada', identityType: 'team' },
          'gmail',
        );
        const before = [...pica.connections];
        const service = await create();
        const absent = await facts(call(service, ABSENT));
        expect(absent).toMatchObject({ reason: 'not_found', status: 404 });
        for (const { id } of [foreign, nobodys, team]) {
          expect(await facts(call(service, id))).toEqual(absent);
        }
        expect(pica.connections).toEqual(before);
        expect(pica.requests.every(({ method }) => method === 'GET')).toBe(
          true,
        );
      },
    );

    it('gets `undefined` for a key of another owner', async () => {
      const foreign = pica.connect('bob', 'gmail');
      const service = await create();
      expect(await service.findByKey(ADA, foreign.key)).toBeUndefined();
      expect(await service.findByKey(BOB, foreign.key)).toMatchObject({
        id: foreign.id,
      });
    });

    it('cannot replace a connection by one of another owner, nor one of another owner by an own one', async () => {
      const mine = pica.connect('ada', 'gmail', { name: 'mine' });
      const foreign = pica.connect('bob', 'gmail', { name: 'foreign' });
      const before = [...pica.connections];
      const service = await create();
      expect(await reasonOf(service.replace(ADA, mine.id, foreign.key))).toBe(
        'not_found',
      );
      expect(await reasonOf(service.replace(ADA, foreign.id, mine.key))).toBe(
        'not_found',
      );
      expect(pica.connections).toEqual(before);
    });

    it.each([
      'a,b',
      'ada,bob',
      'a&platform=x',
      'ü€😀',
      '../..',
      '%2F',
      'a b:c',
      '__proto__',
      'constructor',
    ])('may be "%s": only its own connections are found', async (identity) => {
      const own = pica.connect(identity, 'gmail');
      for (const other of ['ada', 'bob', 'a', 'b']) {
        pica.connect(other, 'gmail');
      }
      const service = await create();
      const owner = { identity };
      expect(idsOf((await service.list(owner)).rows)).toEqual([own.id]);
      expect(await service.findByKey(owner, own.key)).toMatchObject({
        id: own.id,
      });
      expect(await service.resolve(owner)).toMatchObject({ id: own.id });
      expect(await service.deleteAll(owner)).toBe(1);
      expect(pica.connections).toHaveLength(4);
    });
  });

  describe('the id', () => {
    it.each<[string, unknown]>([
      ['undefined', undefined],
      ['null', null],
      ['a number', 1],
      ['a list', ['id']],
      ['an object', { toString: () => 'id' }],
      ['a String', Object('id')],
    ])(
      'fails with `invalid_argument` without a call when it is %s',
      async (_, id) => {
        const service = await create();
        for (const result of [
          service.get(ADA, id as string),
          service.update(ADA, id as string, { name: 'x' }),
          service.delete(ADA, id as string),
          service.replace(ADA, id as string, 'key'),
        ]) {
          expect(await reasonOf(result)).toBe('invalid_argument');
        }
        expect(pica.requests).toEqual([]);
      },
    );

    it.each([
      '',
      '.',
      '..',
      '...',
      '../x',
      'a/b',
      'a%2Fb',
      '%2e%2e',
      'a?limit=1',
      'a#b',
      'a b',
      'a\n',
      'a\0',
      'ü',
      '😀',
      '\ud800',
      'a,b',
      '{}',
      'x'.repeat(129),
      'x'.repeat(100_000),
    ])('finds nothing without a call when it is %j', async (id) => {
      pica.connect('ada', 'gmail');
      const service = await create();
      const failures = [
        await facts(service.get(ADA, id)),
        await facts(service.update(ADA, id, { name: 'x' })),
        await facts(service.delete(ADA, id)),
        await facts(service.replace(ADA, id, 'key')),
      ];
      expect(pica.requests).toEqual([]);
      const absent = await facts(service.get(ADA, ABSENT));
      expect(failures).toEqual(failures.map(() => absent));
    });

    it.each([
      '__proto__',
      'constructor',
      'a:b',
      'a.b',
      '..a',
      'conn_1',
      'x'.repeat(128),
    ])(
      'is sent percent-encoded, below the path of the connections, when it is "%s"',
      async (id) => {
        const service = await create();
        expect(await reasonOf(service.get(ADA, id))).toBe('not_found');
        expect(callsTo(pica)).toEqual([
          `GET ${CONNECTIONS}/${encodeURIComponent(id)}`,
        ]);
      },
    );

    it('finds nothing when the service refuses an id of another form, and a refused UUID is a failure', async () => {
      const service = await create();
      for (const status of [400, 422]) {
        pica.clearFaults();
        pica.fault({ path: CONNECTION, status });
        expect(await reasonOf(service.get(ADA, 'conn_1'))).toBe('not_found');
        expect(await reasonOf(service.get(ADA, ABSENT))).toBe('rejected');
      }
    });
  });

  describe('the key', () => {
    it.each<[string, unknown]>([
      ['undefined', undefined],
      ['null', null],
      ['a number', 7],
      ['a list', ['key']],
      ['an object', { toString: () => 'key' }],
    ])(
      'fails with `invalid_argument` without a call when it is %s',
      async (_, key) => {
        const mine = pica.connect('ada', 'gmail');
        const service = await create();
        expect(await reasonOf(service.findByKey(ADA, key as string))).toBe(
          'invalid_argument',
        );
        expect(
          await reasonOf(service.replace(ADA, mine.id, key as string)),
        ).toBe('invalid_argument');
        expect(pica.requests).toEqual([]);
      },
    );

    it.each([
      '',
      '\n',
      'a\u0000b',
      'a\u0085b',
      '\ud800',
      'a\udc00',
      'x'.repeat(1_025),
    ])('finds nothing without a call when it is %j', async (key) => {
      pica.connect('ada', 'gmail');
      const service = await create();
      expect(
        await service.findByKey(ADA, key, { waitFor: 10_000 }),
      ).toBeUndefined();
      expect(await service.list(ADA, { key })).toEqual({
        rows: [],
        total: 0,
        pages: 0,
        page: 1,
      });
      expect(await collect(service.all(ADA, { key }))).toEqual([]);
      expect(await reasonOf(service.resolve(ADA, { key }))).toBe(
        'not_connected',
      );
      expect(await service.deleteAll(ADA, { key })).toBe(0);
      expect(pica.requests).toEqual([]);
      expect(pica.connections).toHaveLength(1);
    });

    it.each([
      'test::gmail::default::ada lovelace',
      'a,b',
      'a&identity=bob',
      'a%2Fb',
      '../../..',
      '?#/\\',
      'ключ 😀',
      'x'.repeat(1_024),
    ])('reaches no other path or parameter when it is "%s"', async (key) => {
      const own = pica.connect('ada', 'gmail', { key });
      pica.connect('ada', 'gmail');
      pica.connect('bob', 'gmail', { key: 'a' });
      const service = await create();
      expect(await service.findByKey(ADA, key)).toMatchObject({ id: own.id });
      expect(idsOf((await service.list(ADA, { key })).rows)).toEqual([own.id]);
      for (const { path, query } of pica.requests) {
        expect(path).toBe(CONNECTIONS);
        expect(query.identity ?? 'ada').toBe('ada');
        expect(query.key ?? key).toBe(key);
        expect(Object.values(query).join()).not.toMatch(/a,b.*a,b/);
      }
    });
  });

  it('sends no value with a comma as a filter, and compares instead', async () => {
    const wanted = pica.connect('a,b', 'x,y', { key: 'k,1', tags: ['t,1'] });
    pica.connect('a,b', 'x', { tags: ['t'] });
    pica.connect('a', 'y', { tags: ['1'] });
    const service = await create();
    const owner = { identity: 'a,b' };
    for (const filter of [
      { platform: 'x,y' },
      { key: 'k,1' },
      { tags: ['t,1'] },
    ]) {
      expect(idsOf((await service.list(owner, filter)).rows)).toEqual([
        wanted.id,
      ]);
      expect(idsOf(await collect(service.all(owner, filter)))).toEqual([
        wanted.id,
      ]);
      expect(await service.resolve(owner, filter)).toMatchObject({
        id: wanted.id,
      });
    }
    for (const { query } of pica.requests) {
      expect(JSON.stringify(query)).not.toContain(',1');
      expect(query.identity).toBeUndefined();
    }
    expect(await service.deleteAll(owner, { platform: 'x,y' })).toBe(1);
    expect(pica.connections).toHaveLength(2);
  });

  describe('list', () => {
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
        sortedIds((await service.list(ADA, { active })).rows);
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
              | 'identity'
              | 'identityType'
              | 'platform'
              | 'key'
              | 'tags'
              | 'active'
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
        ] as [
          AuthKitIdentity,
          AuthKitConnectionFilter,
          EmulatorConnection[],
        ][]) {
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

    it('fails with `malformed` when the upstream ignores the filter and has more than `maxPages` pages, and `all` goes on', async () => {
      connectMany(320, 'bob');
      const own = pica.connect('ada', 'gmail');
      pica.ignoreFilters = true;
      const service = await create({ [LIMITS]: { maxPages: 2 } });
      expect(await reasonOf(service.list(ADA))).toBe('malformed');
      expect(idsOf(await collect(service.all(ADA)))).toEqual([own.id]);
    });

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
        const isOfPage = ['page', 'limit'].includes(
          Object.keys(given ?? {})[0]!,
        );
        expect(await reasonOf(service.list(ADA, given))).toBe(
          'invalid_argument',
        );
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

    it('ignores a condition that would name another owner', async () => {
      pica.connect('ada', 'gmail');
      pica.connect('bob', 'gmail');
      const service = await create();
      const filter = {
        identity: 'bob',
        identityType: 'team',
        skip: 1,
      } as object;
      expect(await service.list(ADA, filter)).toMatchObject({
        total: 1,
        rows: [{ identity: 'ada' }],
      });
      for (const { query } of pica.requests) {
        expect(query).toMatchObject({ identity: 'ada' });
        expect(query.skip).toBeUndefined();
      }
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
      [
        'more rows than a page holds',
        { rows: Array(1_001).fill({}), pages: 1 },
      ],
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

  describe('all', () => {
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

    it('ends when the upstream repeats a page for ever', async () => {
      connectMany(3);
      pica.fault({
        path: CONNECTIONS,
        transform: ({ rows, total }) => ({ rows, total, pages: 1e9 }),
        when: ({ query }) => {
          query.page = '1';
          return true;
        },
      });
      const service = await create();
      expect(await collect(service.all(ADA))).toHaveLength(3);
      expect(await service.resolve(ADA, {}).catch(({ reason }) => reason)).toBe(
        'ambiguous',
      );
      expect(pica.requests.length).toBeLessThan(12);
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
      const startedAt = performance.now();
      expect(await collect(service.all(ADA))).toHaveLength(310);
      expect(performance.now() - startedAt).toBeGreaterThan(950);
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
          headers: { 'retry-after': '3600' },
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
        await until(() =>
          pica.requests.some(({ query }) => query.page === '2'),
        );
        await new Promise((resolve) => setTimeout(resolve, 50));
        abort();
      }
      expect(await reason).toBe('cancelled');
      if (when === 'within a call') {
        await until(() => pica.requests.at(-1)!.aborted);
      }
      expect(pica.requests).toHaveLength(isBetween ? 1 : 2);
    });

    it('stops waiting for a rate limit when the app shuts down', async () => {
      connectMany(1);
      pica.fault({ status: 429, headers: { 'retry-after': '3600' } });
      const app = await createApp({ pica, options: { retries: 0 } });
      const service = app.get(AuthKitConnectionsService);
      const reason = reasonOf(collect(service.all(ADA)));
      await until(() => pica.requests.length === 1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await app.close();
      expect(await reason).toBe('unavailable');
    });
  });

  describe('get', () => {
    it('returns the row whole', async () => {
      const { connectionDefinitionId: _, ...row } = pica.connect(
        'ada',
        'gmail',
      );
      pica.fault({
        path: CONNECTION,
        transform: (body) => ({ ...body, x: 1 }),
      });
      const service = await create();
      expect(await service.get(ADA, row.id)).toEqual({ ...row, x: 1 });
      expect(callsTo(pica)).toEqual([`GET ${CONNECTIONS}/${row.id}`]);
    });

    it.each<[string, string, (rows: EmulatorConnection[]) => unknown]>([
      ['another row of the owner', 'malformed', (rows) => rows[1]],
      ['a row of another owner', 'not_found', (rows) => rows[2]],
      [
        'a row of a team',
        'not_found',
        ([row]) => ({ ...row, identityType: 'team' }),
      ],
      [
        'a row without identity',
        'not_found',
        ([row]) => ({ ...row, identity: undefined }),
      ],
      [
        'an identity in a list',
        'not_found',
        ([row]) => ({ ...row, identity: ['ada'] }),
      ],
      ['a page', 'not_found', (rows) => ({ rows, pages: 1 })],
      ['a list', 'malformed', (rows) => rows],
      ['null', 'malformed', () => 'null'],
      [
        'a row without key',
        'malformed',
        ([row]) => ({ ...row, key: undefined }),
      ],
    ])(
      'fails when the upstream responds with %s: %s',
      async (_, reason, respond) => {
        const rows = [...connectMany(2), pica.connect('bob', 'gmail')];
        pica.fault({
          path: CONNECTION,
          status: 200,
          headers: { 'content-type': 'application/json' },
          body: respond(rows),
        });
        const service = await create();
        const { id } = rows[0]!;
        expect(await reasonOf(service.get(ADA, id))).toBe(reason);
        expect(await reasonOf(service.delete(ADA, id))).toBe(reason);
        expect(await reasonOf(service.update(ADA, id, { name: 'x' }))).toBe(
          reason,
        );
        expect(pica.connections).toHaveLength(3);
        expect(pica.requests.every(({ method }) => method === 'GET')).toBe(
          true,
        );
      },
    );

    it.each(UPSTREAM_FAILURES.filter(({ fault }) => fault.status !== 404))(
      'fails with `$reason` when the upstream $name',
      async (failure) => {
        const { id } = pica.connect('ada', 'gmail');
        const service = await create({
          retries: 1,
          attemptTimeout: attemptTimeoutOf(failure),
          timeout: 5_000,
        });
        mockBackoff(0);
        pica.fault(failure.fault);
        // The body of a page is no row: JSON without an id is somebody else's.
        const isPage = failure.fault.body !== undefined;
        const reason = await reasonOf(service.get(ADA, id));
        expect(
          isPage ? ['malformed', 'not_found'] : [failure.reason],
        ).toContain(reason);
        // A list that another test has ended may still arrive, and the last attempt may be on its way.
        const byId = () =>
          pica.requests.filter(({ path }) => path.endsWith(id));
        await until(() => byId().length >= attemptsOf(failure, 1));
        expectAttempts(byId(), failure, 1);
        pica.clearFaults();
        pica.fault(failure.fault);
        expect(await reasonOf(service.list(ADA))).toBe(failure.reason);
      },
    );
  });

  describe('findByKey', () => {
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

  describe('resolve', () => {
    it('returns the one usable connection', async () => {
      const [broken, usable] = connectMany(2);
      pica.breakConnection(broken!.id);
      pica.connect('ada', 'slack');
      pica.connect('bob', 'gmail');
      const service = await create();
      expect(await service.resolve(ADA, { platform: 'gmail' })).toMatchObject({
        id: usable!.id,
      });
      expect(await service.resolve(ADA, { key: usable!.key })).toMatchObject({
        id: usable!.id,
      });
    });

    it('accepts a connection that is `degraded` or `unknown`', async () => {
      const service = await create();
      for (const state of ['degraded', 'unknown'] as const) {
        const { id } = pica.connect('ada', state, { state });
        expect(await service.resolve(ADA, { platform: state })).toMatchObject({
          id,
        });
      }
    });

    it('fails with `not_connected` when the owner has none', async () => {
      pica.connect('bob', 'gmail');
      const service = await create();
      const failure = await failureOf(
        service.resolve(ADA, { platform: 'gmail' }),
      );
      expect(failure).toMatchObject({ reason: 'not_connected' });
      expect(failure.getStatus()).toBe(409);
    });

    it.each([
      ['has failed', { state: 'failed', active: true }],
      ['has failed and is inactive', { state: 'failed' }],
      ['is inactive', { active: false }],
    ] as const)(
      'fails with `reconnect_required` when every connection %s',
      async (_, details) => {
        pica.connect('ada', 'gmail', details);
        pica.connect('ada', 'gmail', details);
        const service = await create();
        const failure = await failureOf(
          service.resolve(ADA, { platform: 'gmail' }),
        );
        expect(failure.reason).toBe('reconnect_required');
        expect(failure.getStatus()).toBe(409);
      },
    );

    it('fails with `ambiguous` when several are usable, and names their ids and names, nothing else', async () => {
      const named = pica.connect('ada', 'gmail', {
        name: 'Work "1"',
        tags: ['tag-1'],
      });
      const unnamed = pica.connect('ada', 'gmail', { name: '' });
      const broken = pica.connect('ada', 'gmail', { name: 'Broken' });
      pica.breakConnection(broken.id);
      const service = await create();
      const failure = await failureOf(service.resolve(ADA));
      expect(failure.reason).toBe('ambiguous');
      expect(failure.getStatus()).toBe(409);
      expect(failure.message).toBe(
        `There are 2 such connections: ${named.id} ("Work \\"1\\""), ${unnamed.id}. Choose one by its platform, tags or key.`,
      );
      expect(failure.message).not.toMatch(/ada|tag-1|gmail|test::/);
    });

    it('names ten connections at most', async () => {
      connectMany(40);
      const service = await create();
      const { message } = await failureOf(service.resolve(ADA));
      expect(message).toMatch(/^There are 40 .*, 30 more\./);
      expect(message.length).toBeLessThan(1_000);
    });

    it('requires all tags', async () => {
      const both = pica.connect('ada', 'gmail', { tags: ['x', 'y', 'z'] });
      pica.connect('ada', 'gmail', { tags: ['x'] });
      pica.connect('ada', 'gmail', { tags: ['y'] });
      const service = await create();
      expect(await service.resolve(ADA, { tags: ['x', 'y'] })).toMatchObject({
        id: both.id,
      });
    });
  });

  describe('update', () => {
    const changed = () =>
      pica.requests.filter(({ method }) => method === 'PATCH');

    it.each<[string, { name?: string; tags?: string[] }]>([
      ['the name', { name: 'Work' }],
      ['the tags', { tags: ['b'] }],
      ['both', { name: 'Work', tags: [] }],
      ['an empty name', { name: '' }],
    ])(
      'sends %s and nothing else, and returns the connection as it then is',
      async (_, changes) => {
        const { id } = pica.connect('ada', 'gmail', {
          name: 'Old',
          tags: ['a'],
        });
        const other = pica.connect('ada', 'gmail', { name: 'Other' });
        const service = await create();
        const extra = { identity: 'bob', active: false };
        const updated = await service.update(ADA, id, { ...changes, ...extra });
        expect(changed().map(({ body }) => body)).toEqual([changes]);
        const { connectionDefinitionId: _id, ...row } = pica.connections[0]!;
        expect(updated).toEqual(row);
        expect(updated).toMatchObject({
          identity: 'ada',
          name: 'name' in changes ? changes.name || null : 'Old',
          tags: changes.tags ?? ['a'],
        });
        expect(pica.connections[1]).toEqual(other);
      },
    );

    it.each<[string, unknown]>([
      ['nothing', undefined],
      ['null', null],
      ['no field', {}],
      ['an unknown field alone', { active: true }],
      ['a name that is no string', { name: 1 }],
      ['a name of null', { name: null }],
      ['a name with a line break', { name: 'a\nb' }],
      ['half of a surrogate pair', { name: '\ud800' }],
      ['a name of 257 characters', { name: 'x'.repeat(257) }],
      ['tags that are no list', { tags: 'x' }],
      ['an empty tag', { tags: [''] }],
      ['a tag of 129 characters', { tags: ['x'.repeat(129)] }],
      ['33 tags', { tags: Array.from({ length: 33 }, String) }],
    ])(
      'fails with `invalid_argument` without a call for %s',
      async (_, changes) => {
        const { id } = pica.connect('ada', 'gmail');
        const service = await create();
        expect(await reasonOf(service.update(ADA, id, changes as object))).toBe(
          'invalid_argument',
        );
        expect(pica.requests).toEqual([]);
      },
    );

    it.each<[string, object]>([
      ['an empty body', { body: '' }],
      ['a row of another owner', { body: { id: ABSENT, identity: 'bob' } }],
      [
        'a part of the row',
        {
          transform: ({ id, identity }: AuthKitConnection) => ({
            id,
            identity,
          }),
        },
      ],
      ['a message', { body: { message: 'Updated' } }],
    ])(
      'reads the connection when the upstream responds with %s',
      async (_, fault) => {
        const { id } = pica.connect('ada', 'gmail');
        if (vendor === 'one' && 'transform' in fault) return;
        pica.fault({ method: 'PATCH', status: 200, ...fault });
        if (!('transform' in fault)) {
          // The fault replaces the response, and the change with it.
          const service = await create();
          expect(await service.update(ADA, id, { name: 'x' })).toMatchObject({
            id,
            identity: 'ada',
          });
        } else {
          const service = await create();
          expect(await service.update(ADA, id, { name: 'x' })).toMatchObject({
            id,
            key: pica.connections[0]!.key,
            name: 'x',
          });
        }
        expect(callsTo(pica).map((call) => call.split(' ')[0])).toEqual([
          'GET',
          'PATCH',
          'GET',
        ]);
      },
    );

    it('fails with `not_found` when the connection is deleted meanwhile', async () => {
      const { id } = pica.connect('ada', 'gmail');
      pica.fault({ method: 'PATCH', status: 404 });
      const service = await create();
      const absent = await facts(service.get(ADA, ABSENT));
      expect(await facts(service.update(ADA, id, { name: 'x' }))).toEqual(
        absent,
      );
    });

    it('is sent again when its response is lost', async () => {
      const { id } = pica.connect('ada', 'gmail');
      pica.fault({ method: 'PATCH', times: 1, cutOff: true });
      const service = await create();
      mockBackoff(0);
      expect(await service.update(ADA, id, { name: 'x' })).toMatchObject({
        name: 'x',
      });
      expect(changed()).toHaveLength(2);
    });
  });

  describe('replace', () => {
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
        expect(
          await reasonOf(service.replace(ADA, old.id, renewed.key)),
        ).toMatch(/rejected|quota_exceeded/);
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
  });

  describe('delete', () => {
    it('deletes the connection, and fails with `not_found` the second time', async () => {
      const [mine, other] = connectMany(2);
      const service = await create();
      expect(await service.delete(ADA, mine!.id)).toBeUndefined();
      expect(idsOf(pica.connections)).toEqual([other!.id]);
      expect(await reasonOf(service.delete(ADA, mine!.id))).toBe('not_found');
    });

    it.each(['cutOff', 'reset'])(
      'succeeds when its response is lost (%s) and the second attempt gets 404',
      async (effect) => {
        const { id } = pica.connect('ada', 'gmail');
        const service = await create();
        mockBackoff(0);
        if (effect === 'cutOff') {
          pica.fault({ method: 'DELETE', times: 1, cutOff: true });
        } else {
          // It is deleted, and the connection breaks before the response.
          pica.fault({ method: 'DELETE', times: 1, reset: true });
          pica.fault({ method: 'DELETE', status: 404 });
        }
        await service.delete(ADA, id);
        expect(
          pica.requests.map(({ method, status }) => [method, status]),
        ).toMatchObject(
          [
            ['GET', 200],
            ['DELETE', expect.anything()],
            ['DELETE', 404],
          ].map((each, index) =>
            index === 1
              ? ['DELETE', effect === 'reset' ? undefined : 200]
              : each,
          ),
        );
      },
    );

    it.each(['{"deleted":true}', 'OK', '<html>', ''])(
      'ignores what the upstream responds: %j',
      async (body) => {
        const { id } = pica.connect('ada', 'gmail');
        pica.fault({
          method: 'DELETE',
          status: 200,
          headers: { 'content-type': 'text/plain' },
          body,
        });
        const service = await create();
        expect(await service.delete(ADA, id)).toBeUndefined();
      },
    );

    it.each([400, 422, 401, 500])(
      'fails when the upstream refuses it with %d, whatever the form of the id',
      async (status) => {
        const { id } = pica.connect('ada', 'gmail');
        pica.fault({ method: 'DELETE', status });
        // An id that is no UUID.
        pica.fault({
          method: 'GET',
          path: CONNECTION,
          transform: (row) => ({ ...row, id: 'conn_1' }),
        });
        const service = await create({ retries: 0 });
        expect(await reasonOf(service.delete(ADA, 'conn_1'))).not.toBe('none');
        pica.clearFaults();
        pica.fault({ method: 'DELETE', status });
        expect(await reasonOf(service.delete(ADA, id))).not.toBe('none');
        expect(pica.connections).toHaveLength(1);
      },
    );
  });

  describe('deleteAll', () => {
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

  it.each(['list', 'get', 'update', 'replace', 'delete', 'resolve'])(
    '%s is cancelled by its signal, before and within a call, and closes its calls',
    async (method) => {
      const mine = pica.connect('ada', 'gmail');
      const renewed = pica.connect('ada', 'gmail');
      const service = await create();
      const call = (signal: AbortSignal): Promise<unknown> => {
        switch (method) {
          case 'list':
            return service.list(ADA, { signal });
          case 'get':
            return service.get(ADA, mine.id, { signal });
          case 'update':
            return service.update(ADA, mine.id, { name: 'x' }, { signal });
          case 'replace':
            return service.replace(ADA, mine.id, renewed.key, { signal });
          case 'delete':
            return service.delete(ADA, mine.id, { signal });
          default:
            return service.resolve(ADA, { signal });
        }
      };
      expect(await reasonOf(call(AbortSignal.abort()))).toBe('cancelled');
      expect(pica.requests).toEqual([]);
      pica.fault({ hang: true });
      const { signal, abort } = controller();
      const reason = reasonOf(call(signal));
      await until(() => pica.requests.length > 0);
      abort();
      expect(await reason).toBe('cancelled');
      await until(() => pica.requests.every(({ aborted }) => aborted));
    },
  );

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

  it('shows neither the secret key, an identity nor a key, in logs of any level, errors and inspected services', async () => {
    const owner = { identity: 'ada-private', identityType: 'team' } as const;
    const mine = pica.connect(owner, 'gmail', { key: 'key-private' });
    pica.connect(owner, 'gmail', { name: 'name-public' });
    const output = captureOutput();
    const app = await createApp({
      pica,
      options: { retries: 1, attemptTimeout: 100, timeout: 400 },
      logs: ['debug', 'error', 'fatal', 'log', 'verbose', 'warn'],
    });
    const service = app.get(AuthKitConnectionsService);
    mockBackoff(0);
    const texts: string[] = [];
    const faults: (EmulatorFault | undefined)[] = [
      undefined,
      { status: 401 },
      { status: 503 },
      { status: 404 },
      { status: 429, headers: { 'retry-after': '60' } },
      { reset: true },
      { hang: true },
      { malformed: true },
      { status: 200, body: { message: `${pica.secretKey} key-private` } },
      {
        status: 500,
        headers: { 'x-one-correlation-id': pica.secretKey },
      },
    ];
    for (const fault of faults) {
      pica.clearFaults();
      if (fault) pica.fault(fault);
      const signal = AbortSignal.timeout(600);
      for (const result of [
        service.list(owner, { key: 'key-private' }),
        collect(service.all(owner, { signal })),
        service.get(owner, mine.id),
        service.findByKey(owner, 'key-private'),
        service.resolve(owner),
        service.update(owner, mine.id, { name: 'x' }),
        service.replace(owner, mine.id, 'key-private'),
        service.delete(owner, 'absent-1'),
      ]) {
        await result.catch((error: Error) => {
          texts.push(
            inspect(error, { depth: 20, showHidden: true }),
            String(error.stack),
            JSON.stringify(error),
          );
        });
      }
    }
    texts.push(inspect(service, { depth: 20, showHidden: true }), output());
    expect(output()).toMatch(/connections\.get\(\) failed/);
    expect(output()).toMatch(/GET \/v1\/vault\/connections\/:id, attempt 1/);
    for (const text of texts) {
      expect(text).not.toContain(pica.secretKey);
      expect(text).not.toMatch(/ada-private|key-private/);
    }
    for (const { url, headers } of [{ url: pica.url, headers: {} }]) {
      expect([url, headers]).toBeDefined();
    }
  });
});

describe('connections', () => {
  const pica = useEmulator({ integrations: 3 });
  const one = useEmulator({
    vendor: 'one',
    secretKey: 'sk_test_one',
    integrations: 3,
  });

  it('of two registrations side by side are those of their own upstream', async () => {
    pica.connect('ada', 'gmail');
    one.connect('ada', 'slack');
    one.connect('ada', 'slack');
    const first = await createConnectionsService(pica);
    const second = await createConnectionsService(one);
    expect(await first.list(ADA)).toMatchObject({ total: 1 });
    expect(await second.list(ADA)).toMatchObject({ total: 2 });
    expect(await second.deleteAll(ADA)).toBe(2);
    expect(pica.connections).toHaveLength(1);
  });

  it('need a new connection when they are inactive or have failed', () => {
    expect(needsReconnect({ state: 'failed', active: true })).toBe(true);
    expect(needsReconnect({ state: 'failed' })).toBe(true);
    expect(needsReconnect({ state: 'operational', active: false })).toBe(true);
    expect(needsReconnect({ active: false })).toBe(true);
    for (const state of ['operational', 'degraded', 'unknown', undefined]) {
      expect(needsReconnect({ state, active: true })).toBe(false);
      expect(needsReconnect({ state })).toBe(false);
    }
  });

  it('are exported by the module without routes, with the secret key of a function', async () => {
    pica.connect('ada', 'gmail');
    const asked: unknown[] = [];
    const service = await createConnectionsService(pica, {
      secretKey: async (identity) => {
        asked.push(identity?.identity);
        return pica.secretKey;
      },
    });
    expect(await service.list(ADA)).toMatchObject({ total: 1 });
    expect(asked).toEqual(['ada']);
  });

  it('of One are looked for without the filter when it finds nothing, until it has found something', async () => {
    const own = one.connect('ada', 'gmail');
    const service = await createConnectionsService(one);
    // The filter means the identity at the platform, say.
    const fault = one.fault({
      path: CONNECTIONS,
      when: ({ query }) => query.identity !== undefined,
      transform: (body) => ({ ...body, rows: [], total: 0, pages: 0 }),
    });
    expect(idsOf((await service.list(ADA)).rows)).toEqual([own.id]);
    expect(idsOf(await collect(service.all(ADA)))).toEqual([own.id]);
    expect(await service.resolve(ADA)).toMatchObject({ id: own.id });
    // An identity that is not sent proves nothing.
    one.connect('a,b', 'gmail');
    await service.list({ identity: 'a,b' });
    expect(idsOf((await service.list(ADA)).rows)).toEqual([own.id]);
    expect(await service.deleteAll(ADA)).toBe(1);
    fault.remove();

    one.connect('bob', 'gmail');
    await service.list(BOB);
    const before = one.requests.length;
    expect(await service.list(ADA)).toMatchObject({ total: 0 });
    expect(one.requests).toHaveLength(before + 1);
  });

  it('are not sent a redirect to, nor to another host by an id or a key', async () => {
    const hits: string[] = [];
    const url = await startServer((request, response) => {
      hits.push(request.url ?? '');
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    });
    const app = await createApp({
      registrations: [register({ pica: { ...optionsFor(), url } as never })],
    });
    const service = app.get(AuthKitConnectionsService);
    for (const id of ['http:evil', 'http:..evil', 'a:b']) {
      expect(await reasonOf(service.get(ADA, id))).toBe('unavailable');
    }
    expect(hits).toEqual([
      `${CONNECTIONS}/http%3Aevil`,
      `${CONNECTIONS}/http%3A..evil`,
      `${CONNECTIONS}/a%3Ab`,
    ]);
  });
});

function controller() {
  const aborter = new AbortController();
  return { signal: aborter.signal, abort: () => aborter.abort() };
}
