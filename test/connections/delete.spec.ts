import { reasonOf } from '../support/app.js';
import {
  ADA,
  CONNECTION,
  idsOf,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';
import { mockBackoff } from '../support/mocks.js';

describe.each(VENDOR_NAMES)('delete() of connections of %s', (vendor) => {
  const { pica, create, connectMany } = useConnections(vendor);
  it('deletes the connection, and fails with `not_found` the second time', async () => {
    const [mine, other] = connectMany(2);
    const service = await create();
    expect(await service.delete(ADA, mine!.id)).toBeUndefined();
    expect(idsOf(pica.connections)).toEqual([other!.id]);
    expect(await reasonOf(service.delete(ADA, mine!.id))).toBe('not_found');
  });

  it.each(['cutOff', 'reset'])(
    'succeeds when its response is lost (%s), the second attempt gets 404 and the connection is gone',
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
        pica.fault({ method: 'GET', skip: 1, status: 404 });
      }
      await service.delete(ADA, id);
      expect(
        pica.requests.map(({ method, status }) => [method, status]),
      ).toMatchObject(
        [
          ['GET', 200],
          ['DELETE', expect.anything()],
          ['DELETE', 404],
          ['GET', 404],
        ].map((each, index) =>
          index === 1 ? ['DELETE', effect === 'reset' ? undefined : 200] : each,
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

  it('fails with `unavailable` when it gets 404 and the connection is still there', async () => {
    const { id } = pica.connect('ada', 'gmail');
    pica.fault({ method: 'DELETE', status: 404 });
    const service = await create();
    expect(await reasonOf(service.delete(ADA, id))).toBe('unavailable');
    expect(pica.connections).toHaveLength(1);
  });
});
