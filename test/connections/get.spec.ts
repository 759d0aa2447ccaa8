import type { EmulatorConnection } from '../../lib/testing/index.js';
import { reasonOf } from '../support/app.js';
import {
  ADA,
  callsTo,
  CONNECTION,
  CONNECTIONS,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';
import { mockBackoff } from '../support/mocks.js';
import { until } from '../support/until.js';
import {
  attemptsOf,
  attemptTimeoutOf,
  UPSTREAM_FAILURES,
  expectAttempts,
} from '../support/upstream-failures.js';

describe.each(VENDOR_NAMES)('get() of connections of %s', (vendor) => {
  const { pica, create, connectMany } = useConnections(vendor);
  it('returns the row whole', async () => {
    const { connectionDefinitionId: _, ...row } = pica.connect('ada', 'gmail');
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
    ['a row without key', 'malformed', ([row]) => ({ ...row, key: undefined })],
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
      expect(pica.requests.every(({ method }) => method === 'GET')).toBe(true);
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
      expect(isPage ? ['malformed', 'not_found'] : [failure.reason]).toContain(
        reason,
      );
      // A list that another test has ended may still arrive, and the last attempt may be on its way.
      const byId = () => pica.requests.filter(({ path }) => path.endsWith(id));
      await until(() => byId().length >= attemptsOf(failure, 1));
      expectAttempts(byId(), failure, 1);
      pica.clearFaults();
      pica.fault(failure.fault);
      expect(await reasonOf(service.list(ADA))).toBe(failure.reason);
    },
  );
});
