import { inspect } from 'node:util';
import { createApp, reasonOf } from '../support/app.js';
import {
  AuthKitConnectionsService,
  type AuthKitModuleOptions,
} from '../../lib/index.js';
import {
  ABSENT,
  ADA,
  BOB,
  callsTo,
  CONNECTION,
  idsOf,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';
import { until } from '../support/until.js';

type ConnectedContext = Parameters<
  NonNullable<AuthKitModuleOptions['onConnected']>
>[2];

describe.each(VENDOR_NAMES)('confirm() of connections of %s', (vendor) => {
  const { pica, create, lists, connectMany } = useConnections(vendor);
  /** A pair of which the new one may replace the old one, with dates and without. */
  const connectPair = (details: object = {}) => {
    const old = pica.connect('ada', 'gmail', details);
    pica.breakConnection(old.id);
    return { old, renewed: pica.connect('ada', 'gmail') };
  };

  it('returns the connection, and calls onConnected with its request, its owner and the others of the platform', async () => {
    const seen: unknown[][] = [];
    const [other] = connectMany(1);
    pica.connect('ada', 'slack');
    pica.connect('bob', 'gmail');
    const { id, key } = pica.connect('ada', 'gmail');
    const service = await create({
      onConnected: (...args: unknown[]) => void seen.push(args),
    });
    const request = { url: '/mine' };
    const confirmed = await service.confirm(ADA, key, { request });
    expect(confirmed).toMatchObject({ connection: { id, key } });
    expect(confirmed.replaced).toBeUndefined();
    expect(seen).toHaveLength(1);
    const [connection, owner, context] = seen[0] as [
      unknown,
      unknown,
      ConnectedContext,
    ];
    expect([connection, owner]).toMatchObject([{ id }, ADA]);
    expect(idsOf(context.others)).toEqual([other!.id]);
    expect(context.request).toBe(request);
    expect(context.replaced).toBeUndefined();
  });

  it('replaces a broken connection: copies name and tags, looks once more, and deletes it last', async () => {
    const { old, renewed } = connectPair({ name: 'Work', tags: ['a'] });
    const seen: ConnectedContext[] = [];
    const service = await create({
      onConnected: (_connection, _owner, context) => void seen.push(context),
    });
    const confirmed = await service.confirm(ADA, renewed.key, {
      replaces: old.id,
    });
    expect(confirmed).toMatchObject({
      connection: { id: renewed.id, name: 'Work', tags: ['a'] },
      replaced: { id: old.id },
    });
    expect(seen).toMatchObject([{ replaced: { id: old.id }, others: [] }]);
    expect(idsOf(pica.connections)).toEqual([renewed.id]);
    expect(callsTo(pica).slice(-3)).toEqual([
      expect.stringMatching(/^(?:PATCH|GET) /),
      `GET /v1/vault/connections/${renewed.id}`,
      `DELETE /v1/vault/connections/${old.id}`,
    ]);
  });

  it.each<[string, () => string]>([
    [
      'of another platform',
      () => {
        const { id } = pica.connect('ada', 'slack');
        pica.breakConnection(id);
        return id;
      },
    ],
    ['of somebody else', () => pica.connect('bob', 'gmail').id],
    ['unknown', () => ABSENT],
    ['that cannot be an id', () => '../x'],
    ['empty', () => ''],
    ['a number', () => 7 as never],
  ])(
    'confirms the connection and keeps every other one when `replaces` is %s',
    async (_, replaces) => {
      const id = replaces();
      const { key } = pica.connect('ada', 'gmail');
      const before = pica.connections;
      let calls = 0;
      const service = await create({ onConnected: () => void (calls += 1) });
      const confirmed = await service.confirm(ADA, key, { replaces: id });
      expect(confirmed.connection.key).toBe(key);
      expect(confirmed.replaced).toBeUndefined();
      expect(calls).toBe(1);
      expect(pica.connections).toEqual(before);
    },
  );

  it('keeps the connection itself when it is to replace itself', async () => {
    const { id, key } = pica.connect('ada', 'gmail');
    const service = await create();
    await service.confirm(ADA, key, { replaces: id });
    expect(idsOf(pica.connections)).toEqual([id]);
  });

  it.each([
    ['throws', 'onConnected'],
    ['PATCH', 'the copy'],
    ['GET', 'the last look'],
    ['DELETE', 'the deletion'],
  ])(
    'leaves both when it fails (%s at %s), and can be repeated',
    async (what) => {
      const { old, renewed } = connectPair({ name: 'Work' });
      let isBroken = what === 'throws';
      const thrown = new Error('not now');
      const service = await create({
        onConnected: () => {
          if (isBroken) throw thrown;
        },
      });
      if (what === 'GET')
        pica.fault({ path: CONNECTION, method: 'GET', skip: 1, status: 400 });
      else if (what !== 'throws') pica.fault({ method: what, status: 400 });
      const confirm = () =>
        service.confirm(ADA, renewed.key, { replaces: old.id });
      const failure = await reasonOf(confirm());
      expect(failure).toBe(what === 'throws' ? thrown : 'rejected');
      expect(idsOf(pica.connections)).toEqual([old.id, renewed.id]);
      isBroken = false;
      pica.clearFaults();
      expect(await confirm()).toMatchObject({ replaced: { id: old.id } });
      expect(idsOf(pica.connections)).toEqual([renewed.id]);
    },
  );

  it('gives onConnected as long as it takes: it does not count towards the `timeout`', async () => {
    const { old, renewed } = connectPair();
    const service = await create({
      timeout: 1_500,
      onConnected: () => new Promise((resolve) => setTimeout(resolve, 1_700)),
    });
    const { replaced } = await service.confirm(ADA, renewed.key, {
      replaces: old.id,
      waitFor: 0,
    });
    expect(replaced?.id).toBe(old.id);
  });

  it('holds no slot while onConnected runs: the app shuts down without waiting for it', async () => {
    const { key } = pica.connect('ada', 'gmail');
    let isRunning = false;
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const app = await createApp({
      pica,
      options: {
        // A pending request would keep the app open for longer than a test may take.
        timeout: 60_000,
        onConnected: () => {
          isRunning = true;
          return finished;
        },
      },
    });
    const confirmed = app.get(AuthKitConnectionsService).confirm(ADA, key);
    await until(() => isRunning);
    await app.close();
    finish();
    expect(await confirmed).toMatchObject({ connection: { key } });
  });

  describe('a connection that is not visible yet', () => {
    it('is found when it becomes visible within `waitFor` ms', async () => {
      const service = await create();
      const confirmed = service.confirm(ADA, 'late', { waitFor: 1_000 });
      await until(() => pica.requests.length >= lists);
      pica.connect('ada', 'gmail', { key: 'late' });
      expect(await confirmed).toMatchObject({ connection: { key: 'late' } });
    });

    it('is looked up 4 times at most, and fails with `not_found` without calling onConnected', async () => {
      let calls = 0;
      const service = await create({ onConnected: () => void (calls += 1) });
      const result = service.confirm(ADA, 'absent', { waitFor: 140 });
      expect(await reasonOf(result)).toBe('not_found');
      expect(pica.requests).toHaveLength(4 * lists);
      expect(calls).toBe(0);
    });

    it('is waited for by two confirmations of an owner: a third is `rate_limited`, that of another owner is not', async () => {
      const service = await create();
      const aborter = new AbortController();
      const { signal } = aborter;
      const wait = (owner = ADA) =>
        reasonOf(service.confirm(owner, 'absent', { waitFor: 60_000, signal }));
      const looks = () => pica.requests.filter(({ status }) => status).length;
      const waiting = [wait(), wait()];
      await until(() => looks() === 2 * lists);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(inspect(service, { depth: 9 })).not.toContain(pica.secretKey);
      expect(await wait()).toBe('rate_limited');
      expect(looks()).toBe(3 * lists);
      waiting.push(wait(BOB), wait({ identity: 'ada', identityType: 'team' }));
      await until(() => looks() === 5 * lists);
      await new Promise((resolve) => setTimeout(resolve, 50));
      aborter.abort();
      expect(await Promise.all(waiting)).toEqual(Array(4).fill('cancelled'));
      // Those that have ended count no more.
      const next = service.confirm(ADA, 'absent', { waitFor: 7 });
      expect(await reasonOf(next)).toBe('not_found');
    });

    it('does not keep one that is visible from being confirmed', async () => {
      const { key } = pica.connect('ada', 'gmail');
      const service = await create();
      const waiting = [1, 2].map(() =>
        reasonOf(service.confirm(ADA, 'absent', { waitFor: 300 })),
      );
      await until(() => pica.requests.length === 2 * lists);
      expect(await service.confirm(ADA, key)).toMatchObject({
        connection: { key },
      });
      await Promise.all(waiting);
    });
  });

  it.each<[string, unknown, object | undefined]>([
    ['a key that is no string', 7, undefined],
    ['a key that is missing', undefined, undefined],
    ['a negative `waitFor`', 'key', { waitFor: -1 }],
    ['a `waitFor` that is no number', 'key', { waitFor: '5' }],
  ])(
    'fails with `invalid_argument` without a call for %s',
    async (_, key, options) => {
      const service = await create();
      const result = service.confirm(ADA, key as string, options);
      expect(await reasonOf(result)).toBe('invalid_argument');
      expect(pica.requests).toEqual([]);
    },
  );

  it('fails with `cancelled` on its signal, while it waits and before it deletes', async () => {
    const { old, renewed } = connectPair();
    const aborter = new AbortController();
    const app = await createApp({
      pica,
      options: { onConnected: () => aborter.abort() },
    });
    const service = app.get(AuthKitConnectionsService);
    const { signal } = aborter;
    const waiting = reasonOf(
      service.confirm(ADA, 'absent', { waitFor: 5_000, signal }),
    );
    await until(() => pica.requests.length === lists);
    const result = service.confirm(ADA, renewed.key, {
      replaces: old.id,
      signal,
    });
    expect(await reasonOf(result)).toBe('cancelled');
    expect(await waiting).toBe('cancelled');
    expect(pica.connections).toHaveLength(2);
  });
});
