import { describe, expect, it } from '@jest/globals';
import { startEmulator, useEmulator } from '../support/emulator.js';
import { readResponse } from '../support/http.js';
import { until } from '../support/until.js';

const pica = useEmulator();

/** Calls the API below /emulator/, or requests a file of the page. */
async function api(
  method: string,
  path: string,
  body?: object,
  { url } = pica as { url: string },
) {
  return readResponse(
    await fetch(`${url}${path}`, {
      method,
      headers: body && { 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    }),
  );
}

const state = async () => (await api('GET', '/emulator/state')).body;

/** The status of a token call. */
async function token(secretKey = pica.secretKey): Promise<number | undefined> {
  const response = await fetch(`${pica.url}/v1/authkit?limit=1`, {
    method: 'POST',
    headers: { 'x-pica-secret': secretKey },
    body: '{"identity":"ada"}',
  });
  await response.arrayBuffer();
  return response.status;
}

describe('the page of the emulator', () => {
  it('is at /, unless the address has data, which is for the widget', async () => {
    const page = await api('GET', '/');
    expect(page.text).toContain('/emulator/page.js');
    expect(page.headers.get('content-security-policy')).toContain(
      "frame-ancestors 'none'",
    );
    for (const query of ['?data=e30=', '?data=']) {
      expect((await api('GET', `/${query}`)).text).toContain('/widget/main.js');
    }
    for (const name of ['page.js', 'page.css']) {
      expect((await api('GET', `/emulator/${name}`)).status).toBe(200);
    }
  });

  it('is neither logged nor hit by faults', async () => {
    pica.fault({ status: 503 });
    expect((await api('GET', '/')).status).toBe(200);
    expect((await api('GET', '/emulator/state')).status).toBe(200);
    expect(pica.requests).toEqual([]);
  });
});

describe('the API below /emulator/', () => {
  it('creates, breaks, repairs and deletes connections', async () => {
    const created = await api('POST', '/emulator/connections', {
      identity: 'ada',
      platform: 'gmail',
      tags: ['a'],
    });
    expect([created.status, created.body]).toEqual([
      201,
      JSON.parse(JSON.stringify(pica.connections[0])),
    ]);
    const { id } = created.body;
    const path = `/emulator/connections/${id}`;
    const works = async () => (await state()).connections[0].works;
    expect(await works()).toBe(true);

    const broken = await api('POST', `${path}/break`);
    expect(broken.body).toMatchObject({ id, state: 'failed', active: false });
    expect(await works()).toBe(false);
    const repaired = await api('POST', `${path}/repair`);
    expect(repaired.body).toMatchObject({ id, state: 'operational' });
    const silent = await api('POST', `${path}/break`, { silently: true });
    expect(silent.body.state).toBe('operational');
    expect(await works()).toBe(false);

    expect((await api('DELETE', path)).status).toBe(204);
    expect(pica.connections).toEqual([]);
    expect((await api('DELETE', path)).status).toBe(404);
  });

  it.each([
    ['unavailable', 503],
    ['rate_limited', 429],
    ['wrong_key', 401],
  ])('switches the fault %s on and off', async (name, status) => {
    const path = `/emulator/faults/${name}`;
    expect((await api('PUT', path)).status).toBe(200);
    expect(await token()).toBe(status);
    const find = async () =>
      (await state()).faults.find(
        (each: { name: string }) => each.name === name,
      );
    expect(await find()).toMatchObject({ on: true, hits: 1 });
    expect((await api('DELETE', path)).status).toBe(204);
    expect(await token()).toBe(200);
    expect(await find()).toMatchObject({ on: false });
  });

  it('cuts responses off, and slows them down', async () => {
    await api('PUT', '/emulator/faults/cut_off');
    await expect(token()).rejects.toThrow('terminated');
    await api('DELETE', '/emulator/faults');
    await api('PUT', '/emulator/faults/slow');
    const client = new AbortController();
    const { signal } = client;
    fetch(`${pica.url}/v1/users/flags`, { signal }).catch(() => {});
    await until(() => pica.requests.length === 2);
    expect(pica.requests[1]).toMatchObject({
      problem: 'fault: delay',
      status: undefined,
    });
    client.abort();
    await until(() => pica.requests[1]!.aborted);
  });

  it("switches a fault of the test's own on, which the page lists", async () => {
    const own = { path: '/v1/authkit', status: 418, times: 1 };
    await api('PUT', '/emulator/faults/mine', own);
    expect([await token(), await token()]).toEqual([418, 200]);
    expect((await state()).faults.at(-1)).toEqual({
      name: 'mine',
      title: 'mine',
      on: true,
      hits: 1,
    });
    pica.reset();
    expect((await state()).faults.at(-1).name).toBe('wrong_key');
  });

  it('lists the last 200 requests, the newest first, with what was wrong, and without a key', async () => {
    await token();
    await token('sk_test_other');
    pica.fault({ status: 503, times: 1 });
    await token();
    const { body, text } = await api('GET', '/emulator/requests');
    expect(body.requests).toMatchObject([
      { status: 503, problem: 'fault: status 503' },
      { status: 401, problem: 'x-pica-secret has another key' },
      {
        method: 'POST',
        path: '/v1/authkit',
        query: { limit: '1' },
        status: 200,
        durationMs: expect.any(Number),
        body: '{"identity":"ada"}',
      },
    ]);
    expect(body.requests[2].problem).toBeUndefined();
    expect(text).not.toContain('sk_test_');
    expect((await state()).requests).toEqual(body.requests);
    for (let i = 0; i < 200; i += 1) await token();
    const { requests } = (await api('GET', '/emulator/requests')).body;
    expect(requests).toHaveLength(200);
    expect(requests.at(-1).status).toBe(200);
  });

  it('lists the beginning of a long body', async () => {
    await fetch(`${pica.url}/v1/none`, {
      method: 'POST',
      body: 'x'.repeat(9000),
    });
    const { body } = await api('GET', '/emulator/requests');
    expect(body.requests[0].body).toBe('x'.repeat(2000));
  });

  it('shows the connections of all accounts, without a key', async () => {
    const two = await startEmulator({
      accounts: [{ secretKey: 'sk_test_a' }, { secretKey: 'sk_live_b' }],
    });
    two.connect('ada', 'gmail', { secretKey: 'sk_live_b' });
    const { body, text } = await api('GET', '/emulator/state', undefined, two);
    expect(body).toMatchObject({
      vendor: 'pica',
      accounts: [
        { number: 1, environment: 'test' },
        { number: 2, environment: 'live' },
      ],
      connections: [{ account: 2, identity: 'ada' }],
    });
    expect(text).not.toMatch(/sk_(test|live)_/);
  });

  it('resets the emulator', async () => {
    pica.connect('ada', 'gmail');
    expect((await api('POST', '/emulator/reset')).status).toBe(204);
    expect(pica.connections).toEqual([]);
  });

  it.each<[string, string, object | undefined, number, RegExp]>([
    ['POST', 'connections', {}, 400, /platform: expected a string/],
    ['POST', 'connections', { platform: 'x', tag: 1 }, 400, /tag: there is no/],
    ['POST', 'connections/none/break', undefined, 400, /no connection/],
    ['POST', 'connections/%E0/break', undefined, 400, /malformed/],
    ['PUT', 'faults/mine', undefined, 400, /expected one of unavailable/],
    ['PUT', 'faults/mine', { statuss: 1 }, 400, /statuss/],
    ['PUT', 'faults/constructor', undefined, 400, /expected one of/],
    ['GET', 'connections', undefined, 404, /no such thing/],
    ['GET', 'constructor', undefined, 404, /no such thing/],
  ])(
    'says what is wrong with %s %s %j',
    async (method, path, body, status, says) => {
      const response = await api(method, `/emulator/${path}`, body);
      expect(response.status).toBe(status);
      expect(response.body.message).toMatch(says);
    },
  );
});
