import {
  ADA,
  failureOf,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';

describe.each(VENDOR_NAMES)('resolve() of connections of %s', (vendor) => {
  const { pica, create, connectMany } = useConnections(vendor);
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

  it('fails with `ambiguous` and a message for the user when several are usable, and logs ten of their ids at most', async () => {
    const [first] = connectMany(12);
    const failure = await failureOf((await create()).resolve(ADA));
    expect(failure.reason).toBe('ambiguous');
    expect(failure.getStatus()).toBe(409);
    expect(failure.message).toBe(
      'Several accounts are connected. Please choose one.',
    );
    const cause = String(failure.cause);
    expect(cause).toContain(`12 connections: ${first!.id}, `);
    expect(cause.match(/[\da-f]{8}-/g)).toHaveLength(10);
    expect(cause).not.toMatch(/ada|test::/);
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
