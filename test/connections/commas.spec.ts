import {
  ADA,
  collect,
  CONNECTIONS,
  idsOf,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';
import { captureWarnings } from '../support/mocks.js';

describe.each(VENDOR_NAMES)(
  'commas in the conditions of connections of %s',
  (vendor) => {
    const { pica, create, connectMany, lists } = useConnections(vendor);
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

    it('in an identity have the pages read in parallel, with one warning', async () => {
      connectMany(1_500, 'bob');
      const own = pica.connect('a,b', 'gmail');
      const service = await create();
      const warnings = captureWarnings();
      let most = 0;
      pica.latency = 50;
      pica.fault({
        path: CONNECTIONS,
        when: () => {
          const pending = pica.requests.filter((each) => !each.status);
          most = Math.max(most, pending.length);
          return false;
        },
        delay: 0,
      });
      const owner = { identity: 'a,b' };
      for (let time = 0; time < 2; time += 1) {
        expect(idsOf((await service.list(owner)).rows)).toEqual([own.id]);
        expect(await service.findByKey(owner, own.key)).toMatchObject({
          id: own.id,
        });
      }
      expect(most).toBeGreaterThanOrEqual(8);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toMatch(/contains a comma/);
      expect(warnings[0]).not.toContain('a,b');
    });

    it('in a key alone cost one list of the connections of the owner, and a warning', async () => {
      connectMany(300, 'bob');
      const own = pica.connect('ada', 'gmail', { key: 'k,1' });
      const service = await create();
      const warnings = captureWarnings();
      expect(await service.findByKey(ADA, 'k,1')).toMatchObject({ id: own.id });
      expect(await service.confirm(ADA, 'k,1')).toMatchObject({
        connection: { id: own.id },
      });
      expect(pica.requests).toHaveLength(2 * lists);
      expect(warnings).toHaveLength(1);
    });
  },
);
