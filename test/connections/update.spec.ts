import type { AuthKitConnection } from '../../lib/index.js';
import { reasonOf } from '../support/app.js';
import {
  ABSENT,
  ADA,
  callsTo,
  facts,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';
import { mockBackoff } from '../support/mocks.js';

describe.each(VENDOR_NAMES)('update() of connections of %s', (vendor) => {
  const { pica, create } = useConnections(vendor);
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
    expect(await facts(service.update(ADA, id, { name: 'x' }))).toEqual(absent);
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
