import { PLATFORMS, type AppSettings } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { bearer, grantOf } from '../support/grants.js';
import { WIDGET } from '../support/http.js';
import { API, createFunction, type LambdaRequest } from '../support/lambda.js';
import { until } from '../support/until.js';

const STRANGER = 'https://evil.example';
const APP = 'https://app.example';

const PREFLIGHT: LambdaRequest = {
  method: 'OPTIONS',
  headers: {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  },
};

const pica = useEmulator({ integrations: 247 });

describe.each(PLATFORMS)('a function with the app on %s', (platform) => {
  const create = (settings: AppSettings = {}) =>
    createFunction({ pica, platform, ...settings });

  it('creates a token for its caller, all pages of it', async () => {
    const { invoke } = await create();
    const { status, body } = await invoke({ query: 'page=1&limit=100' });
    expect(status).toBe(200);
    expect(body.rows).toHaveLength(247);
    expect(pica.requests.find(({ body }) => body)!.body).toMatchObject({
      identity: 'ada',
    });
  });

  it('requests a token of its own caller for each of several requests at once', async () => {
    const { invoke } = await create();
    const users = ['ada', 'bob', 'cy', 'dee'];
    const responses = await Promise.all(
      users.map((user) =>
        invoke({ headers: { authorization: `Bearer ${user}` } }),
      ),
    );
    expect(responses.map(({ status }) => status)).toEqual(users.map(() => 200));
    const identities = pica.requests.flatMap(({ body }) =>
      body ? [(body as { identity: string }).identity] : [],
    );
    expect([...new Set(identities)].sort()).toEqual(users);
  });

  describe.each<[string, AppSettings['configure']]>([
    ['without CORS of the app', undefined],
    [
      'with enableCors() for another origin with credentials',
      (app) => app.enableCors({ origin: APP, credentials: true }),
    ],
  ])('%s', (_, configure) => {
    it('allows another origin nothing', async () => {
      const { invoke } = await create({ configure });
      const { headers } = await invoke({ headers: { origin: STRANGER } });
      expect(headers.has('access-control-allow-origin')).toBe(false);
      expect(headers.has('access-control-allow-credentials')).toBe(false);
      expect(headers.get('vary')).toMatch(/\bOrigin\b/);
    });

    it('lets the widget read the errors of the route', async () => {
      const { invoke } = await create({ configure });
      const responses = [await invoke({ headers: {} })];
      pica.fault({ status: 401 });
      responses.push(await invoke());
      expect(responses.map(({ status }) => status)).toEqual([401, 502]);
      for (const { headers, body } of responses) {
        expect(headers.get('access-control-allow-origin')).toBe(WIDGET);
        expect(headers.has('access-control-allow-credentials')).toBe(false);
        expect(headers.get('cache-control')).toBe('no-store');
        expect(typeof body.message).toBe('string');
      }
    });
  });

  it('allows the widget every header and no cookies in a preflight', async () => {
    const { invoke } = await create();
    const { status, text, headers } = await invoke(PREFLIGHT);
    expect({ status, text }).toEqual({ status: 204, text: '' });
    expect(Object.fromEntries(headers)).toMatchObject({
      'access-control-allow-origin': WIDGET,
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-allow-methods': 'POST',
      'cache-control': 'no-store',
    });
    expect(headers.has('access-control-allow-credentials')).toBe(false);
  });

  it('allows another origin nothing in a preflight', async () => {
    const { invoke } = await create();
    const { headers } = await invoke({
      ...PREFLIGHT,
      headers: { ...PREFLIGHT.headers, origin: STRANGER },
    });
    expect(headers.has('access-control-allow-origin')).toBe(false);
    expect(headers.get('vary')).toMatch(/\bOrigin\b/);
  });

  it('creates a token behind an enableCors() that lists the origin of the widget', async () => {
    const { invoke } = await create({
      configure: (app) => app.enableCors({ origin: [APP, WIDGET] }),
    });
    const preflight = await invoke(PREFLIGHT);
    const token = await invoke();
    expect([preflight.status, token.status]).toEqual([204, 200]);
    for (const { headers } of [preflight, token]) {
      expect(headers.get('access-control-allow-origin')).toBe(WIDGET);
    }
  });

  it('leaves the CORS of the app to its other routes', async () => {
    const { invoke } = await create({
      configure: (app) => app.enableCors({ origin: APP, credentials: true }),
    });
    const { headers } = await invoke({ ...PREFLIGHT, path: '/elsewhere' });
    expect(headers.get('access-control-allow-origin')).toBe(APP);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
  });

  it('has the CORS of the app with `cors: false`', async () => {
    const { invoke } = await create({
      controller: { cors: false },
      configure: (app) => app.enableCors({ origin: APP }),
    });
    const { headers } = await invoke({ body: '{ not JSON' });
    expect(headers.get('access-control-allow-origin')).toBe(APP);
  });

  it('gives a grant for the URL of the API, with which the widget gets a token', async () => {
    const { invoke } = await create({
      controller: { grants: true },
      trustProxy: true,
    });
    const grant = await invoke({
      path: '/authkit-token/grant',
      headers: { origin: API, 'sec-fetch-site': 'same-origin' },
      cookies: ['theme=dark', 'sid=ada'],
      body: undefined,
    });
    expect(grant.status).toBe(200);
    expect(grant.body.url).toBe(`${API}/authkit-token`);
    const token = await invoke({ headers: bearer(grantOf(grant)) });
    expect(token.status).toBe(200);
    expect(token.headers.get('access-control-allow-origin')).toBe(WIDGET);
    expect((await invoke()).status).toBe(401);
  });

  it('confirms a connection, lists and deletes it', async () => {
    const { invoke } = await create({ controller: { connections: true } });
    const { key } = pica.connect({ identity: 'ada' }, 'gmail');
    const path = '/authkit-connections';
    const headers = {
      authorization: 'Bearer ada',
      origin: API,
      'sec-fetch-site': 'same-origin',
    };
    const confirmed = await invoke({
      path,
      headers,
      body: JSON.stringify({ key }),
    });
    expect(confirmed.status).toBe(200);
    const list = await invoke({
      method: 'GET',
      path,
      query: 'platform=gmail',
      headers,
    });
    expect(list.body.rows).toHaveLength(1);
    const one = `${path}/${confirmed.body.id}`;
    const deleted = await invoke({ method: 'DELETE', path: one, headers });
    expect(deleted.status).toBe(204);
  });

  it('answers within `timeout` when Pica hangs, since it does not see that the client has gone', async () => {
    const { invoke } = await create({ options: { timeout: 500 } });
    pica.fault({ hang: true });
    const { status, body, headers } = await invoke();
    expect({ status, reason: body.reason }).toEqual({
      status: 504,
      reason: 'timed_out',
    });
    expect(headers.get('access-control-allow-origin')).toBe(WIDGET);
    await until(() => pica.requests.every(({ aborted }) => aborted));
  });
});
