import { reasonOf } from '../support/app.js';
import {
  ABSENT,
  ADA,
  callsTo,
  collect,
  CONNECTION,
  CONNECTIONS,
  facts,
  idsOf,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';

describe.each(VENDOR_NAMES)('ids and keys of connections of %s', (vendor) => {
  const { pica, create } = useConnections(vendor);
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
});
