import {
  collect,
  idsOf,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';

describe.each(VENDOR_NAMES)(
  'commas in the conditions of connections of %s',
  (vendor) => {
    const { pica, create } = useConnections(vendor);
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
  },
);
