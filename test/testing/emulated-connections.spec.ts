import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { PicaEmulator, type EmulatorFault } from '../../lib/testing/index.js';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const DATE_TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
const SECRET_KEY = 'sk_test_connections';

const emulators = {} as Record<'pica' | 'one', PicaEmulator>;
beforeAll(async () => {
  for (const vendor of ['pica', 'one'] as const) {
    emulators[vendor] = await PicaEmulator.start({
      vendor,
      secretKey: SECRET_KEY,
    });
  }
});
afterEach(() => Object.values(emulators).forEach((pica) => pica.reset()));
afterAll(() =>
  Promise.all(Object.values(emulators).map((pica) => pica.stop())),
);

interface Reply {
  status: number;
  headers: Headers;
  text: string;
  // Whatever the emulator responds is what the test looks at.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

const json = { 'content-type': 'application/json' };

/** Calls of one vendor's API with its secret key, and of its widget. */
function callsOf(vendor: 'pica' | 'one') {
  const secret = { [`x-${vendor}-secret`]: SECRET_KEY };

  async function call(path: string, init: RequestInit = {}): Promise<Reply> {
    const response = await fetch(`${emulators[vendor].url}${path}`, init);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    };
  }

  const send = (method: string, path: string, body?: unknown) =>
    call(path, {
      method,
      headers: { ...secret, ...(body !== undefined && json) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });

  return {
    call,
    list: (query: string, headers: HeadersInit = secret) =>
      call(`/v1/vault/connections?${query}`, { headers }),
    get: (id: string) => send('GET', `/v1/vault/connections/${id}`),
    patch: (id: string, body?: unknown) =>
      send('PATCH', `/v1/vault/connections/${id}`, body),
    remove: (id: string) => send('DELETE', `/v1/vault/connections/${id}`),
    /** The `requestId` of a token. */
    async tokenFor(body: object): Promise<string> {
      const path = vendor === 'one' ? '/v1/authkit/token' : '/v1/authkit';
      return (await send('POST', path, body)).body.requestId;
    },
    /** What the widget posts when its user agrees. */
    agree: (consent: object, headers: HeadersInit = json) =>
      call('/widget/connections', {
        method: 'POST',
        headers,
        body: JSON.stringify(consent),
      }),
  };
}

const GMAIL = 'conn_plf_10';
const SLACK = 'conn_plf_11';

describe.each(['pica', 'one'] as const)('the connections of %s', (vendor) => {
  const { call, list, get, patch, remove, tokenFor, agree } = callsOf(vendor);
  let pica: PicaEmulator;
  beforeAll(() => {
    pica = emulators[vendor];
  });

  const ids = async (query: string) =>
    (await list(query)).body.rows.map(({ id }: { id: string }) => id);

  describe('made in the widget', () => {
    it('belong to the identity of the token, whatever the widget posts', async () => {
      const ada = await tokenFor({ identity: 'ada', identityType: 'user' });
      const team = await tokenFor({ identity: 'team-1', identityType: 'team' });
      await agree({ requestId: ada, integration: GMAIL, identity: 'mallory' });
      await agree({ requestId: team, integration: GMAIL });
      await agree({ requestId: ada, integration: SLACK });

      expect((await list('identity=ada')).body).toMatchObject({
        rows: [
          { platform: 'gmail', identity: 'ada', identityType: 'user' },
          { platform: 'slack', identity: 'ada' },
        ],
        total: 2,
        pages: 1,
        page: 1,
      });
      expect(pica.connections.map(({ identity }) => identity)).toEqual([
        'ada',
        'team-1',
        'ada',
      ]);
    });

    it('have the name and the tags of the token, unless the user enters a name', async () => {
      const requestId = await tokenFor({
        identity: 'ada',
        name: 'Work',
        tags: ['a', 'b'],
      });
      await agree({ requestId, integration: GMAIL, name: ' ' });
      await agree({ requestId, integration: GMAIL, name: 'Mine' });
      expect((await list('')).body.rows).toMatchObject([
        { name: 'Work', tags: ['a', 'b'] },
        { name: 'Mine', tags: ['a', 'b'] },
      ]);
    });

    it('are passed to onSuccess with their key and platform', async () => {
      const requestId = await tokenFor({ identity: 'ada' });
      const { status, body } = await agree({ requestId, integration: GMAIL });
      expect(status).toBe(201);
      expect(body).toEqual(pica.connections[0]);
      expect(body).toMatchObject({
        key: 'test::gmail::default::ada',
        platform: 'gmail',
        name: 'Gmail',
        connectionDefinitionId: pica.rows[0]!.connectionDefId,
      });
    });

    it('are refused without a known token, an integration on offer or a JSON body', async () => {
      const ada = await tokenFor({ identity: 'ada' });
      const refused = [
        await agree({ requestId: 'oauth_req_99', integration: GMAIL }),
        await agree({ requestId: ada, integration: 'conn_plf_none' }),
        await agree({ requestId: ada, integration: GMAIL }, {}),
      ];
      expect(refused.map(({ status }) => status)).toEqual([409, 404, 400]);
      for (const { body } of refused) expect(body.message).toMatch(/\w+ \w+/);
      expect(pica.connections).toEqual([]);
    });

    it('are deleted by reset(), and the tokens with them', async () => {
      const ada = await tokenFor({ identity: 'ada' });
      await agree({ requestId: ada, integration: GMAIL });
      pica.reset();
      expect(pica.connections).toEqual([]);
      const again = await agree({ requestId: ada, integration: GMAIL });
      expect(again.status).toBe(409);
    });
  });

  describe('made by connect()', () => {
    it('have the documented fields', async () => {
      const connection = pica.connect(
        { identity: 'ada', identityType: 'user' },
        'gmail',
      );
      const { connectionDefinitionId, ...row } = connection;
      expect(connectionDefinitionId).toBe(pica.rows[0]!.connectionDefId);
      expect((await list('')).body.rows).toEqual([row]);
      expect(row).toEqual({
        id: expect.stringMatching(UUID),
        platformVersion: 'v1',
        name: 'Gmail',
        type: 'api',
        key: 'test::gmail::default::ada',
        environment: 'test',
        platform: 'gmail',
        identity: 'ada',
        identityType: 'user',
        description: expect.any(String),
        image: pica.rows[0]!.image,
        title: 'Gmail',
        connector: 'gmail',
        state: 'operational',
        tags: [],
        version: '1.0.0',
        active: true,
        // One's rows have no such field.
        ...(vendor === 'pica' && {
          createdAt: expect.stringMatching(DATE_TIME),
        }),
      });
    });

    it('have the given name, tags, state, activity and key', () => {
      const details = {
        name: 'Work',
        tags: ['a'],
        state: 'degraded',
        active: false,
        key: 'live::gmail::x',
      } as const;
      expect(pica.connect('ada', 'gmail', details)).toMatchObject(details);
      expect(pica.connect('ada', 'gmail', { name: '' }).name).toBeNull();
      const failed = pica.connect('ada', 'gmail', { state: 'failed' });
      expect(failed.active).toBe(false);
    });

    it('have null for an identity that is not given', () => {
      expect(pica.connect({}, 'gmail')).toMatchObject({
        identity: null,
        identityType: null,
      });
    });

    it('may be of a platform that is not on offer', () => {
      pica.integrations = [{ id: 7, title: 'Our CRM', type: 'api' }];
      expect(pica.connect('ada', 'our-crm')).toMatchObject({
        title: 'Our CRM',
        connectionDefinitionId: '7',
      });
      expect(pica.connect('ada', 'gmail').title).toBe('Gmail');
      expect(pica.connect('ada', 'unheard-of').platform).toBe('unheard-of');
    });

    it.each<[string, unknown[], RegExp]>([
      ['identity', [7, 'gmail'], /given a number; expected an object/],
      [
        'identity type',
        [{ identity: 'ada', identityType: 'robot' }, 'gmail'],
        /identityType: given 'robot'; expected 'user' or 'team'/,
      ],
      ['platform', ['ada', ''], /platform: expected a string/],
      ['name', ['ada', 'gmail', { name: 7 }], /name: given 7; expected/],
      ['tag', ['ada', 'gmail', { tags: [1] }], /tags: given \[ 1 \]/],
      ['state', ['ada', 'gmail', { state: 'bad' }], /state: given 'bad'/],
      ['detail', ['ada', 'gmail', { tag: 'a' }], /expected one of .*tags/],
    ])('are refused with an invalid %s', (_name, args, message) => {
      const connect = () => pica.connect(...(args as [string, string]));
      expect(connect).toThrow(TypeError);
      expect(connect).toThrow(message);
      expect(pica.connections).toEqual([]);
    });
  });

  it('have keys without the spaces and colons of the identity', () => {
    const { key, identity } = pica.connect('org 1:ada', 'gmail');
    expect(key).toBe('test::gmail::default::org-1-ada');
    expect(identity).toBe('org 1:ada');
  });

  it('have a new key each, even for one user and platform and after a deletion', async () => {
    const first = pica.connect('ada', 'gmail');
    await remove(first.id);
    const keys = [
      first.key,
      pica.connect('ada', 'gmail').key,
      pica.connect('ada', 'gmail').key,
      pica.connect('ada-2', 'gmail').key,
      pica.connect({}, 'gmail').key,
      pica.connect({}, 'gmail').key,
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('are failed and inactive after breakConnection()', async () => {
    const { id } = pica.connect('ada', 'gmail');
    const change = { id, state: 'failed', active: false };
    expect(pica.breakConnection(id)).toMatchObject(change);
    expect((await get(id)).body).toMatchObject(change);
    expect(() => pica.breakConnection('none')).toThrow(/no connection/);
  });

  describe('in a list', () => {
    it('are found by each filter, with one value or a comma-separated list', async () => {
      const ada = pica.connect(
        { identity: 'ada', identityType: 'user' },
        'gmail',
        { tags: ['work', 'eu'] },
      );
      const bob = pica.connect({ identity: 'bob' }, 'slack');

      const found = [
        'identity=ada',
        'identityType=user',
        'platform=gmail',
        `key=${encodeURIComponent(ada.key)}`,
        'tags=work',
        'tags=us,eu',
        'identity=ada&platform=gmail&limit=1&page=1',
      ];
      for (const query of found) expect(await ids(query)).toEqual([ada.id]);

      const both = [
        '',
        'identity=ada,bob',
        'identity=bob,carl,ada',
        'platform=gmail,slack',
        `key=${encodeURIComponent(`${ada.key},${bob.key}`)}`,
      ];
      for (const query of both) {
        expect(await ids(query)).toEqual([ada.id, bob.id]);
      }

      const missing = [
        'identity=ad',
        'identity=',
        'identityType=team',
        'platform=notion',
        'key=other',
        'tags=play',
        'page=2',
      ];
      for (const query of missing) expect(await ids(query)).toEqual([]);
    });

    it('come in pages of 20, clamped at 150, with limit 0 as 1', async () => {
      for (let i = 0; i < 160; i += 1) pica.connect(`user-${i}`, 'gmail');
      const page = async (query: string) => {
        const { rows, ...rest } = (await list(query)).body;
        return [rows.length, rows[0]?.identity, rest];
      };
      const total = 160;
      expect(await page('')).toEqual([
        20,
        'user-0',
        { total, pages: 8, page: 1 },
      ]);
      expect(await page('limit=1000&page=2')).toEqual([
        10,
        'user-150',
        { total, pages: 2, page: 2 },
      ]);
      expect(await page('limit=0&page=3')).toEqual([
        1,
        'user-2',
        { total, pages: 160, page: 3 },
      ]);
      expect(await page('limit=10&page=2&skip=5')).toEqual([
        10,
        'user-15',
        { total, pages: 16, page: 2 },
      ]);
      for (const query of ['limit=none', 'page=0', 'skip=-1']) {
        expect((await list(query)).status).toBe(400);
      }
    });

    it.each<[string, boolean | ['identity'], string[]]>([
      ['all filters', true, ['ada', 'bob', 'old']],
      ['the filters named', ['identity'], ['ada', 'bob']],
      ['no filter', false, ['ada']],
    ])(
      'meet the filters unless ignoreFilters is set: %s',
      async (_name, ignoreFilters, identities) => {
        for (const identity of ['ada', 'bob']) pica.connect(identity, 'gmail');
        pica.connect('old', 'slack');
        pica.ignoreFilters = ignoreFilters;
        const { body } = await list('identity=ada&platform=gmail');
        expect(
          body.rows.map(({ identity }: { identity: string }) => identity),
        ).toEqual(identities);
        expect(body.total).toBe(identities.length);
      },
    );
  });

  describe('by id', () => {
    it('are returned whoever owns them', async () => {
      const { id } = pica.connect('ada', 'gmail');
      const { status, body } = await get(id);
      expect(status).toBe(200);
      expect((await list('')).body.rows).toEqual([body]);
    });

    it('are deleted for good by DELETE, with an empty body', async () => {
      const { id } = pica.connect('ada', 'gmail');
      const kept = pica.connect('ada', 'slack');
      const { status, text, headers } = await remove(id);
      expect([status, text]).toEqual([200, '']);
      expect(headers.get('content-type')).toBeNull();
      expect(headers.get('content-length')).toBe('0');
      expect(await ids('')).toEqual([kept.id]);
      expect(pica.connections).toEqual([kept]);
      expect((await remove(id)).status).toBe(404);
    });

    it('keep by PATCH what the body leaves out, and replace what it has', async () => {
      const { id } = pica.connect('ada', 'gmail', { name: 'A', tags: ['a'] });
      const changes: [object, object][] = [
        [{}, { name: 'A', tags: ['a'] }],
        [
          { name: null, tags: null },
          { name: 'A', tags: ['a'] },
        ],
        [{ name: 'B' }, { name: 'B', tags: ['a'] }],
        [{ tags: ['b', 'c'] }, { name: 'B', tags: ['b', 'c'] }],
        [
          { name: '', tags: [] },
          { name: null, tags: [] },
        ],
      ];
      for (const [body, expected] of changes) {
        const response = await patch(id, body);
        const { body: row } = await get(id);
        expect(row).toMatchObject({ id, ...expected });
        expect(response.status).toBe(200);
        // One's documentation shows no body.
        if (vendor === 'pica') expect(response.body).toEqual(row);
        else expect(response.text).toBe('');
      }
      expect(pica.connections).toMatchObject([{ id, name: null, tags: [] }]);
    });

    it.each<[string, unknown, number]>([
      ['no body', undefined, 400],
      ['a list', ['a'], 400],
      ['a number as the name', { name: 7 }, 422],
      ['a text as the tags', { tags: 'a' }, 422],
      ['a number among the tags', { tags: ['a', 7] }, 422],
    ])('refuse a PATCH with %s', async (_name, body, status) => {
      const connection = pica.connect('ada', 'gmail', { tags: ['a'] });
      expect((await patch(connection.id, body)).status).toBe(status);
      expect(pica.connections).toEqual([connection]);
    });

    it.each(['GET', 'PATCH', 'DELETE'])(
      'are 404 for %s of an unknown id',
      async (method) => {
        pica.connect('ada', 'gmail');
        for (const id of [
          'c0000000-0000-4000-8000-0000000000ff',
          '%',
          'a%2Fb',
        ]) {
          const { status, body, headers } = await call(
            `/v1/vault/connections/${id}`,
            { method, headers: { [`x-${vendor}-secret`]: SECRET_KEY } },
          );
          expect(status).toBe(404);
          expect(body).toEqual({
            correlationId: headers.get('x-one-correlation-id'),
            key: 'http_error',
            message: 'Connection not found',
            type: 'http_error',
            status: 404,
          });
        }
        expect(pica.connections).toHaveLength(1);
      },
    );
  });

  it('are 401 without the secret key, on every call', async () => {
    const { id } = pica.connect('ada', 'gmail');
    const path = `/v1/vault/connections/${id}`;
    for (const headers of [{}, { [`x-${vendor}-secret`]: 'sk_other' }]) {
      expect((await list('', headers)).status).toBe(401);
      for (const method of ['GET', 'PATCH', 'DELETE']) {
        expect((await call(path, { method, headers })).status).toBe(401);
      }
    }
    expect(pica.connections).toHaveLength(1);
  });

  describe('under a fault', () => {
    it.each(['list', 'get', 'patch', 'remove'] as const)(
      'fail on %s as the fault says, and stay as they are',
      async (name) => {
        const connection = pica.connect('ada', 'gmail');
        const send = () =>
          ({ list, get, patch, remove })[name](
            name === 'list' ? '' : connection.id,
          );
        const effects: [EmulatorFault, number | undefined][] = [
          [{ status: 503 }, 503],
          [{ status: 429, headers: { 'retry-after': '1' } }, 429],
          [
            {
              status: 401,
              headers: { 'content-type': 'text/plain' },
              body: '401 Unauthorized',
            },
            401,
          ],
          [{ reset: true }, undefined],
        ];
        for (const [effect, status] of effects) {
          const fault = pica.fault({ ...effect, times: 1 });
          const reply = await send().catch(() => undefined);
          expect(reply?.status).toBe(status);
          expect(fault.hits).toBe(1);
        }
        expect(pica.connections).toEqual([connection]);
      },
    );

    it('are deleted although the response is lost or broken', async () => {
      const effects: [EmulatorFault, number | undefined][] = [
        [{ cutOff: true }, undefined],
        [{ malformed: true }, undefined],
        [{ status: 200, headers: { 'x-odd': '1' } }, 200],
        [{ transform: (body: unknown) => body }, 200],
      ];
      for (const [effect, status] of effects) {
        const { id } = pica.connect('ada', 'gmail');
        pica.fault({ method: 'DELETE', times: 1, ...effect });
        const reply = await remove(id).catch(() => undefined);
        expect(reply?.status).toBe(status);
        expect(pica.connections).toEqual([]);
      }
    });

    it('are hit by the page and the identity that a list is asked for', async () => {
      pica.fault({ page: 2, status: 502 });
      pica.fault({ identity: 'ada', status: 503 });
      const statuses = [];
      for (const query of ['', 'page=1', 'page=2', 'identity=ada', 'page=3']) {
        statuses.push((await list(query)).status);
      }
      expect(statuses).toEqual([200, 200, 502, 503, 200]);
      pica.clearFaults();
      pica.fault({ page: 1, status: 502 });
      expect((await list('')).status).toBe(502);
    });
  });
});

describe('the list of connections of pica', () => {
  it('hides the inactive ones unless active is false', async () => {
    const { list } = callsOf('pica');
    const { pica } = emulators;
    const active = pica.connect('ada', 'gmail');
    const broken = pica.breakConnection(pica.connect('ada', 'slack').id);
    const ids = async (query: string) =>
      (await list(query)).body.rows.map(({ id }: { id: string }) => id);
    expect(await ids('')).toEqual([active.id]);
    expect(await ids('active=true')).toEqual([active.id]);
    expect(await ids('active=false&identity=ada')).toEqual([broken.id]);
    expect((await list('active=false')).body.total).toBe(1);
  });

  it('is filtered by name and platform version', async () => {
    const { list } = callsOf('pica');
    const { id } = emulators.pica.connect('ada', 'gmail', { name: 'Work' });
    emulators.pica.connect('ada', 'gmail');
    for (const [query, rows] of [
      ['name=Work', [{ id }]],
      ['name=Work&platformVersion=v1', [{ id }]],
      ['platformVersion=v2', []],
    ] as const) {
      expect((await list(query)).body.rows).toMatchObject(rows);
    }
  });
});

describe('the list of connections of one', () => {
  it('has the inactive ones and no filter for them', async () => {
    const { list } = callsOf('one');
    const { one } = emulators;
    one.connect('ada', 'gmail');
    one.breakConnection(one.connect('ada', 'slack').id);
    for (const query of ['', 'active=true', 'active=false', 'name=other']) {
      expect((await list(query)).body.total).toBe(2);
    }
  });
});

describe('the site of the widget', () => {
  it('is neither logged nor hit by faults, since it is another site', async () => {
    const { pica } = emulators;
    const fault = pica.fault({ status: 503 });
    const page = await fetch(`${pica.url}/?data=e30=`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain(
      "default-src 'none'",
    );
    const files = [...(await page.text()).matchAll(/"(\/widget\/[^"]+)"/g)];
    expect(files.length).toBeGreaterThanOrEqual(2);
    for (const [, path] of files) {
      expect((await fetch(`${pica.url}${path}`)).status).toBe(200);
    }
    expect((await fetch(`${pica.url}/widget/none.js`)).status).toBe(404);
    expect(fault.hits).toBe(0);
    expect(pica.requests).toEqual([]);
  });

  it('serves every module that a module imports', async () => {
    const { pica } = emulators;
    const loaded = new Set<string>();
    const load = async (name: string) => {
      if (loaded.has(name)) return;
      loaded.add(name);
      const response = await fetch(`${pica.url}/widget/${name}`);
      expect(response.headers.get('content-type')).toContain('javascript');
      const source = await response.text();
      for (const [, next] of source.matchAll(/from '\.\/([^']+)'/g)) {
        await load(next!);
      }
    };
    await load('main.js');
    expect(loaded.size).toBeGreaterThan(5);
  });

  it.each(['pica', 'one'] as const)('names its vendor: %s', async (vendor) => {
    const page = await fetch(`${emulators[vendor].url}/?data=e30=`);
    const opener = vendor === 'one' ? 'useOneAuth' : 'useAuthKit';
    expect(await page.text()).toContain(opener);
  });
});
