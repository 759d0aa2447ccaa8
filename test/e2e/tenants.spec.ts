import {
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
import { useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';
import { captureWarnings } from '../support/mocks.js';

const pica = useEmulator();
const one = useEmulator({ vendor: 'one' });

const ADA = { identity: 'ada' };
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
    for (const { body } of pica.requests.filter(
      ({ method }) => method === 'POST',
    )) {
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

  it('has cached integrations of its own', async () => {
    const tokens = await createTokenService(pica, {
      cache: { integrations: true },
    });
    await tokens.create(of('acme'));
    const before = pica.requests.length;
    await tokens.create(of('globex'));
    expect(pica.requests.length - before).toBe(3);
  });
});

describe('the option `scope`', () => {
  const service = (options: Partial<AuthKitModuleOptions>) =>
    createApp({ pica: one, options: { paging: 'all', ...options } });

  it('is sent with every call, and its entries are kept apart', async () => {
    const { tokens, app } = await service({
      cache: { integrations: true },
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

  it.each<[string, unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('db');
      },
      'unavailable',
    ],
    ['hangs', () => new Promise(() => {}), 'timed_out'],
    ['returns a list', () => ['x'], 'secret_rejected'],
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

  it('stops the app with vendor pica', async () => {
    const error = await bootError({
      options: { scope: { projectId: 'p1' } },
    });
    expect(error?.message).toMatch(/scope: given with vendor 'pica'/);
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
      .filter(({ query }) => query.page === '1')
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
  ])('are refused without a call when they are %j', async (label) => {
    const tokens = await createTokenService(pica);
    expect(await reasonOf(tokens.create(ADA, label as object))).toBe(
      'invalid_argument',
    );
    expect(pica.requests).toEqual([]);
  });
});

describe('the option `allowIntegration`', () => {
  it.each([true, false])(
    'removes integrations, and the token counts those that stay, with cached integrations: %s',
    async (integrations) => {
      const tokens = await createTokenService(pica, {
        cache: { integrations },
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
    },
  );

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
    ['undefined', () => undefined],
    ['1', () => 1],
    [
      'an error',
      () => {
        throw new Error('db');
      },
    ],
  ])('fails the token when it gives %s', async (_what, allow) => {
    const tokens = await createTokenService(pica, {
      allowIntegration: allow as never,
    });
    expect(await reasonOf(tokens.create(ADA))).toBe('unavailable');
  });

  it('sees rows that are deeply frozen', async () => {
    const tokens = await createTokenService(pica, {
      allowIntegration: (row) =>
        Object.isFrozen(row) && Object.isFrozen(row.tags),
    });
    expect((await tokens.create(ADA)).rows).toHaveLength(247);
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
