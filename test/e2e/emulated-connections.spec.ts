import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { PicaEmulator } from '../../lib/testing/index.js';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start({ secretKey: 'sk_test_connections' });
});
afterEach(() => pica.reset());
afterAll(() => pica.stop());

interface Reply {
  status: number;
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

async function call(path: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(`${pica.url}${path}`, init);
  return { status: response.status, body: await response.json() };
}

const secret = { 'x-pica-secret': 'sk_test_connections' };
const json = { 'content-type': 'application/json' };

/** The `requestId` of a token for somebody. */
async function tokenFor(owner: object): Promise<string> {
  const { body } = await call('/v1/authkit', {
    method: 'POST',
    headers: { ...secret, ...json },
    body: JSON.stringify(owner),
  });
  return body.requestId;
}

/** What the widget posts when its user agrees. */
function agree(consent: object, headers: HeadersInit = json): Promise<Reply> {
  return call('/widget/connections', {
    method: 'POST',
    headers,
    body: JSON.stringify(consent),
  });
}

const list = (query: string, headers: HeadersInit = secret) =>
  call(`/v1/vault/connections?${query}`, { headers });

const integration = 'conn_plf_10';

describe("the emulator's connections", () => {
  it('belong to whom the token was made for, whatever else was asked meanwhile', async () => {
    const ada = await tokenFor({ identity: 'ada', identityType: 'user' });
    const team = await tokenFor({ identity: 'team-1', identityType: 'team' });
    await agree({ requestId: ada, integration, identity: 'mallory' });
    await agree({ requestId: team, integration });
    await agree({ requestId: ada, integration: 'conn_plf_11' });

    expect((await list('identity=ada')).body).toMatchObject({
      rows: [
        { platform: 'gmail', identity: 'ada', identityType: 'user' },
        { platform: 'slack', identity: 'ada' },
      ],
      total: 2,
      pages: 1,
      page: 1,
    });
    expect((await list('identity=team-1')).body.total).toBe(1);
    expect((await list('identity=mallory')).body.rows).toEqual([]);
    expect((await list('')).body.total).toBe(3);
    expect(pica.connections.map(({ identity }) => identity)).toEqual([
      'ada',
      'team-1',
      'ada',
    ]);
  });

  it('are found by each of the filters', async () => {
    const ada = await tokenFor({ identity: 'ada', identityType: 'user' });
    const { body: made } = await agree({ requestId: ada, integration });
    expect(made.key).toMatch(/^test::gmail::default::\w+\|ada$/);

    const key = encodeURIComponent(made.key);
    const finding = [
      'identityType=user',
      'platform=gmail',
      `key=${key}`,
      'active=true',
      'identity=ada&platform=gmail&limit=1&page=1',
    ];
    for (const query of finding) {
      expect((await list(query)).body.rows).toMatchObject([
        { id: made._id, key: made.key, state: 'operational', active: true },
      ]);
    }
    const missing = [
      'identityType=team',
      'platform=slack',
      'key=other',
      'active=false',
      'tags=work',
      'page=2',
    ];
    for (const query of missing) {
      expect((await list(query)).body.rows).toEqual([]);
    }
  });

  it('are for the holder of the secret key alone', async () => {
    expect((await list('', {})).status).toBe(401);
    expect((await list('', { 'x-pica-secret': 'sk_other' })).status).toBe(401);
    expect((await list('limit=none')).status).toBe(400);
  });

  it('are refused without a token of ours, and to pages of other origins', async () => {
    const ada = await tokenFor({ identity: 'ada' });
    const refused = [
      await agree({ requestId: 'req_99', integration }),
      await agree({ requestId: ada, integration: 'conn_plf_none' }),
      await agree({ requestId: ada, integration }, {}),
    ];
    expect(refused.map(({ status }) => status)).toEqual([409, 404, 400]);
    for (const { body } of refused) expect(body.message).toMatch(/\w+ \w+/);
    expect(pica.connections).toEqual([]);
  });

  it('are forgotten by reset(), and the tokens with them', async () => {
    const ada = await tokenFor({ identity: 'ada' });
    await agree({ requestId: ada, integration });
    pica.reset();
    expect(pica.connections).toEqual([]);
    expect((await agree({ requestId: ada, integration })).status).toBe(409);
  });

  it('leave log and faults to the API: the widget is another site', async () => {
    const fault = pica.fault({ status: 503 });
    const page = await fetch(`${pica.url}/`);
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
});
