import {
  AuthKitConnectionsService,
  ExtractIdentity,
  type AuthKitIdentity,
  type AuthKitModuleOptions,
} from '../../lib/index.js';
import {
  bootError,
  createApp,
  createTokenService,
  PLATFORMS,
  reasonOf,
  startApp,
} from '../support/app.js';
import type { PicaEmulator } from '../../lib/testing/index.js';
import { useEmulator } from '../support/emulator.js';
import { requestGrant, requestToken } from '../support/http.js';
import { captureWarnings } from '../support/mocks.js';
import { until } from '../support/until.js';

const pica = useEmulator();
const one = useEmulator({ vendor: 'one' });

const ADA = { identity: 'ada' };
/** The bodies of the calls for a token. */
const bodiesOf = ({ requests }: Pick<PicaEmulator, 'requests'>) =>
  requests.filter(({ method }) => method === 'POST').map(({ body }) => body);
const of = (tenant: string): AuthKitIdentity => ({ identity: 'ada', tenant });

describe('the tenant of an identity', () => {
  it('reaches the functions of the options, and never Pica', async () => {
    const seen: unknown[] = [];
    const note = (identity: AuthKitIdentity | undefined) => {
      seen.push(identity?.tenant);
    };
    const tokens = await createTokenService(pica, {
      secretKey: (identity) => {
        note(identity);
        return pica.secretKey;
      },
      connection: (identity) => {
        note(identity);
        return { tags: [identity!.tenant!] };
      },
      allowIntegration: (_row, identity) => {
        if (seen.length < 3) note(identity);
        return true;
      },
    });
    await tokens.create(of('acme'));
    expect(seen).toEqual(['acme', 'acme', 'acme']);
    for (const body of bodiesOf(pica)) {
      expect(body).toEqual({ identity: 'ada', tags: ['acme'] });
    }
  });

  it('is in a grant, and comes back when the grant is verified', async () => {
    const { grants } = await createApp({ controller: { grants: true } });
    for (const identity of [of('acme'), ADA]) {
      expect(await grants.verify(await grants.issue(identity))).toEqual(
        identity,
      );
    }
  });

  it('and all unknown fields of an identity stay out of the body for Pica', async () => {
    const tokens = await createTokenService(pica);
    const identity = {
      identity: 'ada',
      identityType: 'team',
      tenant: 'acme',
      group: 'g',
      label: 'l',
      email: 'ada@example.com',
    } as AuthKitIdentity;
    // All pages, then a single one.
    await tokens.create(identity, { name: 'Work', tags: ['a'] });
    await tokens.create(identity, { name: 'Work', tags: ['a'], page: 2 });
    const bodies = bodiesOf(pica);
    expect(bodies).toHaveLength(3);
    for (const body of bodies) {
      expect(body).toEqual({
        identity: 'ada',
        identityType: 'team',
        name: 'Work',
        tags: ['a'],
      });
    }
  });

  it.each(PLATFORMS)(
    'travels on %s from the session by the grant to the functions of the options',
    async (platform) => {
      const seen = new Set<string | undefined>();
      const { tokenUrl } = await startApp({
        pica,
        platform,
        options: {
          identity: ({ user }) => ({ identity: user.id, tenant: 'acme' }),
          secretKey: (identity) => {
            seen.add(identity?.tenant);
            return pica.secretKey;
          },
          allowIntegration: (_row, identity) => identity?.tenant === 'globex',
        },
        controller: { grants: true },
      });
      const { headers } = (await requestGrant(tokenUrl)).body;
      const { status, body } = await requestToken(tokenUrl, { headers });
      expect(status).toBe(200);
      expect(body).toMatchObject({ rows: [], total: 0 });
      expect([...seen]).toEqual(['acme']);
      expect(JSON.stringify(pica.requests)).not.toContain('acme');
    },
  );

  it.each(['', ' ', 'a\nb', 'x'.repeat(257), 5])(
    'is refused when it is %j',
    async (tenant) => {
      const tokens = await createTokenService(pica);
      const identity = { identity: 'ada', tenant: tenant as string };
      expect(await reasonOf(tokens.create(identity))).toBe('invalid_identity');
      expect(pica.requests).toEqual([]);
    },
  );

  it.each(PLATFORMS)(
    'is required on %s where the extractor names its property',
    async (platform) => {
      const user: Record<string, unknown> = { id: 'ada', org: 'acme' };
      const { tokenUrl } = await startApp({
        pica,
        platform,
        options: {
          identity: (_request, context) =>
            ExtractIdentity.fromUser('id', 'user', { tenant: 'org' })(
              { user },
              context,
            ),
        },
        controller: { guards: [] },
      });
      expect((await requestToken(tokenUrl)).status).toBe(200);
      delete user.org;
      expect((await requestToken(tokenUrl)).status).toBe(401);
    },
  );

  it('that two share one identity, key and scope with causes one warning', async () => {
    const warnings = captureWarnings();
    const { tokens } = await createApp({ pica, logs: true });
    for (const tenant of ['acme', 'acme', 'globex', 'initech']) {
      await tokens.create(of(tenant));
    }
    const shared = warnings.filter((text) => text.includes('Two tenants'));
    expect(shared).toHaveLength(1);
  });

  it('that differs while identity type, key or scope differ too causes no warning', async () => {
    const warnings = captureWarnings();
    const { tokens } = await createApp({
      pica: one,
      logs: true,
      options: {
        paging: 'all',
        scope: (identity) => ({ projectId: identity?.tenant?.slice(0, 6) }),
      },
    });
    await tokens.create({ ...of('acme'), identityType: 'team' });
    await tokens.create(of('globex'));
    await tokens.create(of('initech'));
    // Nor a missing tenant.
    await tokens.create(ADA);
    expect(warnings.filter((text) => text.includes('Two tenants'))).toEqual([]);
    await tokens.create({ ...of('globex2'), identityType: 'user' });
    expect(warnings.filter((text) => text.includes('Two tenants'))).toEqual([
      expect.stringMatching(/One cannot tell them apart.*<tenant>-<user>/),
    ]);
  });

  it('whose calls all hang does not delay the tokens of another', async () => {
    const { tokens } = await createApp({
      pica,
      options: { retries: 0, connection: (who) => ({ tags: [who!.tenant!] }) },
    });
    pica.fault({
      when: ({ body }) => (body as { tags?: string[] })?.tags?.[0] === 'acme',
      hang: true,
    });
    const aborts = Array.from({ length: 200 }, () => new AbortController());
    const hanging = aborts.map(({ signal }) =>
      reasonOf(tokens.create(of('acme'), { signal })),
    );
    expect((await tokens.create(of('globex'))).total).toBe(247);
    for (const abort of aborts) abort.abort();
    expect(new Set(await Promise.all(hanging))).toEqual(new Set(['cancelled']));
    // 200 tokens at once, on a busy machine.
  }, 20_000);
});

describe('the option `scope`', () => {
  const service = (options: Partial<AuthKitModuleOptions>) =>
    createApp({ pica: one, options: { paging: 'all', ...options } });

  it('is sent with every call, and its entries are kept apart', async () => {
    const { tokens, app } = await service({
      scope: (identity) => ({
        organizationId: `org-${identity?.tenant}`,
        projectId: 'p1',
      }),
    });
    expect(app).toBeDefined();
    await tokens.create(of('a'));
    await tokens.create(of('b'));
    await tokens.integrations(of('a'), { connections: true });
    for (const { headers } of one.requests) {
      expect(headers['x-one-organization-id']).toMatch(/^org-[ab]$/);
      expect(headers['x-one-project-id']).toBe('p1');
    }
  });

  it('has cached connectors of its own for each organization and project', async () => {
    const scopes = {
      a: { organizationId: 'org-1' },
      b: { organizationId: 'org-2' },
      c: { organizationId: 'org-1', projectId: 'prj-1' },
    };
    const { tokens } = await service({
      scope: (identity) => scopes[identity?.identity as keyof typeof scopes],
    });
    for (const identity of ['a', 'b', 'c']) {
      await tokens.integrations({ identity });
      const { length } = one.requests;
      await tokens.integrations({ identity });
      // The pages alone.
      expect([identity, length, one.requests.length]).toEqual([identity, 4, 6]);
      one.reset();
    }
  });

  it.each<[string, unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('db');
      },
      'unavailable',
    ],
    ['hangs', () => new Promise(() => {}), 'timed_out'],
    ['rejects', async () => Promise.reject(new Error('db')), 'unavailable'],
    ['returns a list', () => ['x'], 'secret_rejected'],
    ['returns an empty list', () => [], 'secret_rejected'],
    ['returns a map', () => new Map([['projectId', 'p']]), 'secret_rejected'],
    ['returns a string', () => 'p1', 'secret_rejected'],
    ['returns an unknown field', () => ({ project: 'p' }), 'secret_rejected'],
    ['returns null as id', () => ({ projectId: null }), 'secret_rejected'],
    ['returns an empty id', () => ({ projectId: '' }), 'secret_rejected'],
    [
      'returns an object whose getter gives a line break',
      () =>
        new (class {
          get projectId() {
            return 'a\nb';
          }
        })(),
      'secret_rejected',
    ],
    [
      'returns a line break',
      () => ({ projectId: 'a\r\nb' }),
      'secret_rejected',
    ],
  ])('ends a token without a call when it %s', async (_what, scope, reason) => {
    const { tokens } = await service({ scope: scope as never, timeout: 200 });
    expect(await reasonOf(tokens.create(ADA))).toBe(reason);
    expect(one.requests).toEqual([]);
  });

  it.each([{ projectId: 'p1' }, () => ({})])(
    'stops the app with vendor pica',
    async (scope) => {
      const error = await bootError({ options: { scope } });
      expect(error?.message).toMatch(/scope: given with vendor 'pica'/);
    },
  );

  it.each([
    [],
    'p1',
    Promise.resolve({}),
    { projectId: 'a b' },
    { organizationId: 'a\r\nX-Other: b' },
    { organizationId: 'ü' },
    { project: 'p1' },
  ])('stops the app when it is %j', async (scope) => {
    const error = await bootError({ pica: one, options: { scope } as object });
    expect(error?.message).toMatch(/scope: .*organizationId\?, projectId\?/);
  });

  it('is sent with the calls for connections, whether they read, change or delete', async () => {
    const { get } = await service({
      scope: async (identity) => ({ organizationId: identity?.tenant }),
    });
    const connections = get(AuthKitConnectionsService);
    const { id, key } = one.connect('ada', 'gmail', { organizationId: 'acme' });
    await connections.findByKey(of('acme'), key);
    await connections.update(of('acme'), id, { name: 'Work' });
    await connections.delete(of('acme'), id);
    expect(new Set(one.requests.map(({ method }) => method))).toEqual(
      new Set(['GET', 'PATCH', 'DELETE']),
    );
    for (const { headers } of one.requests) {
      expect(headers['x-one-organization-id']).toBe('acme');
      expect(headers).not.toHaveProperty('x-one-project-id');
    }
  });
});

describe('name and tags of the connections that come of a token', () => {
  it('are those of create(), else those of the option `connection`', async () => {
    const tokens = await createTokenService(pica, {
      connection: { name: 'Default', tags: ['default'] },
    });
    await tokens.create(ADA);
    await tokens.create(ADA, { name: '', tags: ['own'] });
    const bodies = pica.requests
      .filter(({ method, query }) => method === 'POST' && query.page === '1')
      .map(({ body }) => body);
    expect(bodies).toEqual([
      { identity: 'ada', name: 'Default', tags: ['default'] },
      { identity: 'ada', name: '', tags: ['own'] },
    ]);
  });

  it.each([
    { name: 'x'.repeat(257) },
    { name: 5 },
    { tags: 'a' },
    { tags: [''] },
    { tags: Array(33).fill('a') },
    { tags: ['x'.repeat(129)] },
    { tags: Array(2) },
    { tags: ['a\nb'] },
    { name: 'a\nb' },
  ])('are refused without a call when they are %j', async (label) => {
    const tokens = await createTokenService(pica);
    expect(await reasonOf(tokens.create(ADA, label as object))).toBe(
      'invalid_argument',
    );
    expect(pica.requests).toEqual([]);
  });
});

describe('the option `connection`', () => {
  it('gives each tenant its own name and tags, by which its connections are found', async () => {
    const { tokens, get } = await createApp({
      pica,
      options: {
        connection: async (identity) => ({
          name: `Account of ${identity?.tenant}`,
          tags: [identity!.tenant!],
        }),
      },
    });
    await tokens.create(of('acme'));
    expect(bodiesOf(pica)).toContainEqual({
      identity: 'ada',
      name: 'Account of acme',
      tags: ['acme'],
    });
    pica.connect('ada', 'gmail', { tags: ['acme'] });
    pica.connect('ada', 'gmail', { tags: ['globex'] });
    const page = await get(AuthKitConnectionsService).list(ADA, {
      tags: ['acme'],
    });
    expect(page.rows.map(({ tags }) => tags)).toEqual([['acme']]);
  });

  it.each<[string, () => unknown]>([
    ['a string', () => 'acme'],
    ['an unknown field', () => ({ label: 'acme' })],
    ['too many tags', () => ({ tags: Array(33).fill('a') })],
    [
      'an error',
      () => {
        throw new Error('db');
      },
    ],
  ])(
    'fails the token without a call when it gives %s',
    async (_what, label) => {
      const tokens = await createTokenService(pica, {
        connection: label as never,
      });
      expect(await reasonOf(tokens.create(ADA))).toBe('unavailable');
      expect(pica.requests).toEqual([]);
    },
  );

  it.each(['acme', { name: 5 }, { tags: ['x'.repeat(129)] }, { tag: ['a'] }])(
    'stops the app when it is %j',
    async (connection) => {
      const error = await bootError({ options: { connection } as object });
      expect(error?.message).toMatch(/connection: .*name\?, tags\?/);
    },
  );

  it.each(PLATFORMS)(
    'and nothing that the browser sends decides name and tags, on %s',
    async (platform) => {
      const { tokenUrl } = await startApp({
        pica,
        platform,
        options: { paging: 'forward', connection: { tags: ['ours'] } },
      });
      const { status } = await requestToken(
        `${tokenUrl}?page=1&limit=5&name=theirs&tags=theirs`,
        { body: '{"name":"theirs","tags":["theirs"],"identity":"eve"}' },
      );
      expect(status).toBe(200);
      expect(bodiesOf(pica)).toEqual([
        { identity: 'ada', identityType: 'user', tags: ['ours'] },
      ]);
    },
  );
});

describe('the option `allowIntegration`', () => {
  it('removes integrations, and the token counts those that stay', async () => {
    const tokens = await createTokenService(pica, {
      allowIntegration: ({ title }) => title!.startsWith('S'),
    });
    const allowed = pica.rows.filter(({ title }) => title!.startsWith('S'));
    for (const _ of ['first', 'later']) {
      const token = await tokens.create(ADA);
      expect(token.rows).toEqual(allowed);
      expect(token).toMatchObject({
        total: allowed.length,
        pages: 1,
        page: 1,
      });
    }
  });

  it('decides for each identity, however often the same rows come', async () => {
    const tokens = await createTokenService(pica, {
      allowIntegration: ({ title }, identity) =>
        identity?.identity === 'ada' || title === 'Gmail',
    });
    for (const _ of ['first', 'later']) {
      const [forAda, forBob, page] = await Promise.all([
        tokens.create(ADA),
        tokens.create({ identity: 'bob' }),
        tokens.integrations(ADA),
      ]);
      expect(forAda.rows).toEqual(pica.rows);
      expect(forAda.total).toBe(247);
      expect(forBob.rows.map(({ title }) => title)).toEqual(['Gmail']);
      expect(forBob.total).toBe(1);
      expect(page).toHaveLength(247);
    }
  });

  it('that refuses everything gives an empty token of one page', async () => {
    const tokens = await createTokenService(pica, {
      allowIntegration: () => false,
    });
    expect(await tokens.create(ADA)).toMatchObject({
      rows: [],
      total: 0,
      pages: 1,
      page: 1,
    });
  });

  it('filters a single page, and leaves its counts so that the widget goes on', async () => {
    const tokens = await createTokenService(pica, {
      allowIntegration: () => false,
    });
    expect(await tokens.create(ADA, { page: 1, limit: 100 })).toMatchObject({
      rows: [],
      total: 247,
      pages: 3,
    });
  });

  it.each<[string, () => unknown]>([
    ['a promise', async () => true],
    [
      'a promise that rejects',
      async () => {
        throw new Error('db');
      },
    ],
    ['undefined', () => undefined],
    ['1', () => 1],
    [
      'an error',
      () => {
        throw new Error('db');
      },
    ],
  ])('fails the token when it gives %s', async (_what, allow) => {
    const warnings = captureWarnings();
    const { tokens } = await createApp({
      pica,
      logs: true,
      options: { allowIntegration: allow as never },
    });
    expect(await reasonOf(tokens.create(ADA))).toBe('unavailable');
    expect(await reasonOf(tokens.create(ADA, { page: 1 }))).toBe('unavailable');
    expect(await reasonOf(tokens.integrations(ADA))).toBe('unavailable');
    expect(warnings).toHaveLength(3);
    for (const line of warnings) {
      expect(line).toMatch(/the allowIntegration function (threw|returned)/);
      expect(line).not.toContain('db');
    }
  });

  it('sees rows that are deeply frozen', async () => {
    const tokens = await createTokenService(pica, {
      allowIntegration: (row) =>
        Object.isFrozen(row) && Object.isFrozen(row.tags),
    });
    for (const _ of ['first', 'later']) {
      expect((await tokens.create(ADA)).rows).toHaveLength(247);
    }
  });
});

describe('integrations()', () => {
  it('joins the allowed integrations with platform, category, name and the connections of the owner', async () => {
    pica.connect('ada', 'slack');
    pica.connect('bob', 'slack');
    const tokens = await createTokenService(pica, {
      allowIntegration: ({ title }) => title !== 'Gmail',
    });
    const list = await tokens.integrations(ADA, { connections: true });
    expect(list).toHaveLength(246);
    expect(list.find(({ title }) => title === 'Slack')).toMatchObject({
      platform: 'slack',
      category: expect.any(String),
      name: 'Slack',
      connections: [{ identity: 'ada', platform: 'slack' }],
    });
    expect(list[0]).not.toHaveProperty('requestId');
  });

  it('has all of them with `all`, each with whether it is offered', async () => {
    const tokens = await createTokenService(pica, {
      allowIntegration: ({ title }) => title !== 'Gmail',
    });
    const list = await tokens.integrations(ADA, { all: true });
    expect(list).toHaveLength(247);
    for (const { title, offered } of list) {
      expect([title, offered]).toEqual([title, title !== 'Gmail']);
    }
    const offeredOnes = await tokens.integrations(ADA);
    expect(offeredOnes).toHaveLength(246);
    expect(offeredOnes[0]).not.toHaveProperty('offered');
  });

  const row = (id: number, title: string, connectionDefId?: string) => ({
    id,
    title,
    ...(connectionDefId && { connectionDefId }),
  });
  const connector = (id: unknown, platform: string, name: string) => ({
    id,
    platform,
    name,
    category: 'CRM',
  });
  const withConnectors = (connectors: object[]) =>
    pica.fault({
      path: '/v1/available-connectors',
      transform: (page) => ({ ...page, rows: connectors, pages: 1 }),
    });

  it('joins by `connectionDefId`, else by a title that one connector alone has', async () => {
    pica.integrations = [
      row(1, 'By id', 'def_1'),
      row(2, 'bY tItle', 'def_unknown'),
      row(3, 'Twice'),
      row(4, 'Unknown', 'def_2'),
      { id: 5 } as never,
    ];
    withConnectors([
      connector('def_1', 'by-id', 'Another name'),
      connector('x', 'by-title', 'By Title'),
      connector('y', 'twice-a', 'Twice'),
      connector('z', 'twice-b', 'Twice'),
      connector('undefined', 'nothing', 'undefined'),
    ]);
    pica.connect('ada', 'by-title');
    pica.connect('ada', 'twice-a');
    const tokens = await createTokenService(pica);
    const list = await tokens.integrations(ADA, { connections: true });
    expect(
      list.map(({ platform, name, category, connections }) => [
        platform,
        name,
        category,
        connections?.length,
      ]),
    ).toEqual([
      ['by-id', 'Another name', 'CRM', 0],
      ['by-title', 'By Title', 'CRM', 1],
      [undefined, undefined, undefined, 0],
      [undefined, undefined, undefined, 0],
      [undefined, undefined, undefined, 0],
    ]);
  });

  it('fetches the connectors once for each account, as the flags', async () => {
    const { tokens } = await createApp({ pica });
    const calls = () =>
      pica.requests.filter(({ path }) => path === '/v1/available-connectors');
    await Promise.all([
      tokens.integrations(ADA),
      tokens.integrations({ identity: 'bob' }),
    ]);
    await tokens.integrations(ADA);
    expect(calls().map(({ query }) => query)).toEqual([
      { authkit: 'true', limit: '150', page: '1' },
      { authkit: 'true', limit: '150', page: '2' },
    ]);
    await tokens.integrations(of('acme'));
    expect(calls()).toHaveLength(4);
  });

  it('returns objects of the caller, which may change them', async () => {
    const { tokens } = await createApp({
      pica,
      options: { allowIntegration: () => true },
    });
    const first = await tokens.integrations(ADA);
    for (const listing of first) {
      listing.title = 'changed';
      listing.tags!.push('changed');
    }
    const next = await tokens.integrations({ identity: 'bob' });
    expect(JSON.stringify(next)).not.toContain('changed');
  });

  it('needs an owner for connections, and makes no call without one', async () => {
    const tokens = await createTokenService(pica);
    expect(
      await reasonOf(tokens.integrations(undefined, { connections: true })),
    ).toBe('unidentified');
    expect(pica.requests).toEqual([]);
    expect(await tokens.integrations()).toHaveLength(247);
  });

  it.each(['/v1/authkit', '/v1/available-connectors', '/v1/vault/connections'])(
    'fails as a whole when %s fails',
    async (path) => {
      pica.fault({ path, status: 402 });
      const tokens = await createTokenService(pica);
      expect(
        await reasonOf(tokens.integrations(ADA, { connections: true })),
      ).toBe('quota_exceeded');
    },
  );

  it('is cancelled by its signal, and its calls are closed', async () => {
    const tokens = await createTokenService(pica);
    pica.fault({ hang: true });
    const abort = new AbortController();
    const list = reasonOf(
      tokens.integrations(ADA, { connections: true, signal: abort.signal }),
    );
    await until(() => pica.requests.length >= 3);
    abort.abort();
    expect(await list).toBe('cancelled');
    await until(() => pica.openConnections === 0);
  });

  it.each(['not a list', [{ id: 'x' }], [{ id: 1, platform: 5, name: 'x' }]])(
    'is malformed when the connectors are %j',
    async (rows) => {
      pica.fault({
        path: '/v1/available-connectors',
        transform: (page) => ({ ...page, rows }),
      });
      const tokens = await createTokenService(pica);
      expect(await reasonOf(tokens.integrations(ADA))).toBe('malformed');
    },
  );

  it('keeps an integration that the list of connectors does not know', async () => {
    pica.integrations = [{ id: 1, title: 'Own', image: 'data:,' }];
    pica.fault({
      path: '/v1/available-connectors',
      transform: (page) => ({ ...page, rows: [], total: 0, pages: 0 }),
    });
    const tokens = await createTokenService(pica);
    expect(await tokens.integrations(ADA)).toEqual([
      { id: 1, title: 'Own', image: 'data:,' },
    ]);
  });
});
