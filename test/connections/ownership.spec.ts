import {
  AuthKitConnectionsService,
  type AuthKitIdentity,
} from '../../lib/index.js';
import { reasonOf } from '../support/app.js';
import {
  ABSENT,
  ADA,
  BOB,
  collect,
  facts,
  idsOf,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';

describe.each(VENDOR_NAMES)('the owner of connections of %s', (vendor) => {
  const { pica, create } = useConnections(vendor);
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
  ])('is required: no method makes a call when it is %s', async (_, given) => {
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
      expect(await reasonOf(result)).toMatch(/unidentified|invalid_identity/);
    }
    expect(pica.requests).toEqual([]);
    expect(keys).toEqual([]);
    expect(pica.connections).toHaveLength(1);
  });

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
      expect(pica.requests.every(({ method }) => method === 'GET')).toBe(true);
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
