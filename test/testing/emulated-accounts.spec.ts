import { describe, expect, it } from '@jest/globals';
import type { PicaEmulator } from '../../lib/testing/index.js';
import { startEmulator } from '../support/emulator.js';
import { readResponse } from '../support/http.js';

const KEYS = ['sk_test_first', 'sk_live_second'] as const;
const ORGANIZATION = '11111111-1111-4111-8111-111111111111';
const PROJECT = '22222222-2222-4222-8222-222222222222';

const startTwo = (vendor: 'pica' | 'one' = 'pica') =>
  startEmulator({
    vendor,
    integrations: 2,
    accounts: KEYS.map((secretKey) => ({ secretKey })),
  });

/** Calls the API of an account, in a tenant of One. */
async function call(
  pica: PicaEmulator,
  path: string,
  {
    key = KEYS[0] as string,
    method = 'GET',
    body,
    headers = {},
  }: {
    key?: string;
    method?: string;
    body?: object;
    headers?: Record<string, string>;
  } = {},
) {
  return readResponse(
    await fetch(pica.url + path, {
      method,
      headers: {
        'content-type': 'application/json',
        [`x-${pica.vendor}-secret`]: key,
        ...headers,
      },
      body: body && JSON.stringify(body),
    }),
  );
}

const LIST = '/v1/vault/connections';
const idsOf = ({ body }: { body: { rows: { id: string }[] } }) =>
  body.rows.map(({ id }) => id);

describe('accounts', () => {
  it('have connections of their own, by list and by id', async () => {
    const pica = await startTwo();
    const first = pica.connect('ada', 'gmail');
    const second = pica.connect('ada', 'gmail', { secretKey: KEYS[1] });
    expect(idsOf(await call(pica, LIST))).toEqual([first.id]);
    expect(idsOf(await call(pica, LIST, { key: KEYS[1] }))).toEqual([
      second.id,
    ]);
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const path = `${LIST}/${second.id}`;
      const body = method === 'PATCH' ? {} : undefined;
      expect((await call(pica, path, { method, body })).status).toBe(404);
    }
    expect(pica.connections).toEqual([first]);
    expect(pica.account(KEYS[1]).connections).toEqual([second]);
    expect((await call(pica, LIST, { key: 'sk_test_other' })).status).toBe(401);
  });

  it('have the environment of their key, unless it is given', async () => {
    const pica = await startEmulator({
      accounts: [
        { secretKey: 'sk_test_a' },
        { secretKey: 'sk_live_b' },
        { secretKey: 'sk_test_c', environment: 'live' },
      ],
    });
    const environments = ['sk_test_a', 'sk_live_b', 'sk_test_c'].map(
      (secretKey) => {
        const { key } = pica.connect('ada', 'gmail', { secretKey });
        const { rows, environment } = pica.account(secretKey);
        return [environment, rows[0]!.environment, key.split('::')[0]];
      },
    );
    expect(environments).toEqual([
      ['test', 'test', 'test'],
      ['live', 'live', 'live'],
      ['live', 'live', 'live'],
    ]);
  });

  it('have integrations of their own, and those of the emulator are those of the first', async () => {
    const pica = await startTwo();
    pica.account(KEYS[1]).integrations = 5;
    const total = async (key: string) =>
      (await call(pica, '/v1/authkit', { key, method: 'POST', body: {} })).body
        .total;
    expect([await total(KEYS[0]), await total(KEYS[1])]).toEqual([2, 5]);
    expect([pica.secretKey, pica.integrations]).toEqual([KEYS[0], 2]);
    pica.reset();
    expect(pica.account(KEYS[1]).integrations).toBe(2);
  });

  it('get what comes of their tokens in the widget', async () => {
    const pica = await startTwo();
    const { body } = await call(pica, '/v1/authkit', {
      key: KEYS[1],
      method: 'POST',
      body: { identity: 'ada' },
    });
    const { status } = await call(pica, '/widget/connections', {
      method: 'POST',
      body: { requestId: body.requestId, integration: body.rows[0].id },
    });
    expect(status).toBe(201);
    expect(pica.connections).toEqual([]);
    expect(pica.account(KEYS[1]).connections).toHaveLength(1);
  });

  it.each<[string, object, RegExp]>([
    ['no account', { accounts: [] }, /accounts: given .*at least one/],
    [
      'two accounts of one key',
      { accounts: [{ secretKey: 'sk_test_x' }, { secretKey: 'sk_test_x' }] },
      /a key of its own/,
    ],
    [
      'an unknown environment',
      { accounts: [{ secretKey: 'sk_test_x', environment: 'prod' }] },
      /environment test or live/,
    ],
    [
      'a key beside accounts',
      { secretKey: 'sk_test_x', accounts: [{ secretKey: 'sk_test_y' }] },
      /given both/,
    ],
  ])(
    'are refused with %s, and no key is shown',
    async (_name, options, says) => {
      const refused = startEmulator(options);
      await expect(refused).rejects.toThrow(says);
      await expect(refused).rejects.not.toThrow(/sk_test_/);
    },
  );

  it('are refused by an unknown key', async () => {
    const pica = await startTwo();
    const details = { secretKey: 'sk_test_none' };
    expect(() => pica.connect('ada', 'gmail', details)).toThrow(/no account/);
    expect(() => pica.account('sk_test_none')).toThrow(/no account/);
  });
});

describe('organizations and projects of One', () => {
  const tenants: [string, Record<string, string>][] = [
    ['personal', {}],
    ['organization', { 'x-one-organization-id': ORGANIZATION }],
    [
      'project',
      { 'x-one-organization-id': ORGANIZATION, 'x-one-project-id': PROJECT },
    ],
  ];

  it('keep connections apart, by list and by id', async () => {
    const one = await startTwo('one');
    const connections = [
      one.connect('ada', 'gmail'),
      one.connect('ada', 'gmail', { organizationId: ORGANIZATION }),
      one.connect('ada', 'gmail', {
        organizationId: ORGANIZATION,
        projectId: PROJECT,
      }),
    ];
    for (const [index, [, headers]] of tenants.entries()) {
      const { id } = connections[index]!;
      expect(idsOf(await call(one, LIST, { headers }))).toEqual([id]);
      for (const each of connections) {
        const { status } = await call(one, `${LIST}/${each.id}`, { headers });
        expect(status).toBe(each.id === id ? 200 : 404);
      }
    }
    expect(one.connections).toEqual(connections);
  });

  it.each(tenants)(
    'get what comes of their tokens in the widget: %s',
    async (_name, headers) => {
      const one = await startTwo('one');
      const { body } = await call(one, '/v1/authkit/token', {
        method: 'POST',
        headers,
        body: {},
      });
      await call(one, '/widget/connections', {
        method: 'POST',
        body: { requestId: body.requestId, integration: body.rows[0].id },
      });
      for (const [, others] of tenants) {
        const found = await call(one, LIST, { headers: others });
        expect(found.body.total).toBe(others === headers ? 1 : 0);
      }
    },
  );

  it('do not exist with Pica', async () => {
    const pica = await startTwo();
    const details = { organizationId: ORGANIZATION };
    expect(() => pica.connect('ada', 'gmail', details)).toThrow(
      /expected vendor: 'one'/,
    );
  });
});
