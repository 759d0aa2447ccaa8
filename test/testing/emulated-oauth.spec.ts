import { startEmulator, useEmulator } from '../support/emulator.js';
import { readResponse } from '../support/http.js';

const one = useEmulator({ vendor: 'one' });

const CHECK = '/v1/connections/oauth/check';

/** Requests something of the widget's site of an emulator, as a browser does. */
async function call(path: string, body?: object, { url } = one) {
  return readResponse(
    await fetch(url + path, {
      method: body ? 'POST' : 'GET',
      headers: { 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
      redirect: 'manual',
    }),
  );
}

/** Starts an authorization of Gmail for `ada` on a page of http://app.example, and returns its state. */
async function start(fields: object = {}): Promise<string> {
  const token = await fetch(`${one.url}/v1/authkit/token`, {
    method: 'POST',
    headers: { 'x-one-secret': one.secretKey },
    body: JSON.stringify({ identity: 'ada' }),
  });
  const { requestId, rows } = await token.json();
  const consent = {
    requestId,
    integration: rows[0].id,
    pageOrigin: 'http://app.example',
    ...fields,
  };
  const { status, body } = await call('/widget/oauth', consent);
  expect(status).toBe(201);
  expect(body.path).toContain(`state=${body.state}`);
  return body.state;
}

const base64url = (text: string) => Buffer.from(text).toString('base64url');

/** The platform sends the user back; `page` and `version` are what the vendor's package has put behind the state. */
const callBack = (
  state: string,
  result: string,
  page?: string,
  version?: string,
) => {
  const parts = [state, page !== undefined && base64url(page), version];
  const whole = parts.filter(Boolean).join('~');
  return call(`/widget/callback?${result}&state=${whole}`);
};

describe("the OAuth of the emulator's One", () => {
  it('is pending until the user has decided, and needs no secret key', async () => {
    const state = await start({ name: ' Mail ' });
    const check = async () => (await call(`${CHECK}?state=${state}`)).body;
    expect(await check()).toEqual({ status: 'pending' });
    const { status, text } = await callBack(state, 'code=1');
    expect({ status, text }).toMatchObject({
      status: 200,
      text: expect.stringContaining('You can close this window.'),
    });
    expect(await check()).toEqual({
      status: 'success',
      connection: JSON.parse(JSON.stringify(one.connections[0])),
    });
    expect(one.connections).toMatchObject([
      { platform: 'gmail', identity: 'ada', name: 'Mail' },
    ]);
    // Only the token is a request of the API.
    expect(one.requests.map(({ path }) => path)).toEqual(['/v1/authkit/token']);
  });

  it("sends the user back to the app's page with the state alone when the user has agreed", async () => {
    const state = await start();
    const page = 'http://app.example/x?tab=1&one_auth_error=old#top';
    const { status, headers } = await callBack(state, 'code=1', page);
    expect(status).toBe(302);
    expect(headers.get('location')).toBe(
      `http://app.example/x?tab=1&one_auth_state=${state}#top`,
    );
  });

  it("sends the user back to the app's page with state and error when the user has denied it", async () => {
    const state = await start();
    const page = 'http://app.example/';
    const { headers } = await callBack(state, 'error=access_denied', page);
    const query = new URL(headers.get('location')!).searchParams;
    expect(Object.fromEntries(query)).toEqual({
      one_auth_state: state,
      one_auth_error: 'Access to Gmail was denied.',
    });
    expect((await call(`${CHECK}?state=${state}`)).body).toEqual({
      status: 'failed',
      message: 'Access to Gmail was denied.',
    });
    expect(one.connections).toEqual([]);
  });

  it('keeps the first decision', async () => {
    const state = await start();
    await callBack(state, 'error=access_denied');
    await callBack(state, 'code=1');
    expect(one.connections).toEqual([]);
  });

  it.each(['code=1', 'error=access_denied'])(
    "sends the user back to the app's page without a parameter from 1.3 on: %s",
    async (result) => {
      const state = await start();
      const page = 'http://app.example/x?tab=1&one_auth_state=old#top';
      const { status, headers } = await callBack(state, result, page, 'v3');
      expect(status).toBe(302);
      expect(headers.get('location')).toBe('http://app.example/x?tab=1#top');
      const { body } = await call(`${CHECK}?state=${state}`);
      expect(body.status).toBe(result === 'code=1' ? 'success' : 'failed');
    },
  );

  it('sends the user nowhere when the state is unknown', async () => {
    const page = 'http://app.example/';
    for (const state of ['unknown', '']) {
      for (const version of [undefined, 'v3']) {
        const response = await callBack(state, 'code=1', page, version);
        expect(response.status).toBe(404);
        expect(response.headers.get('location')).toBeNull();
        expect(response.text).toContain('This request for access is over.');
      }
    }
    expect((await call(`${CHECK}?state=unknown`)).status).toBe(404);
  });

  it.each([
    'http://evil.example/',
    'http://app.example.evil.example/',
    'http://app.example:81/',
    'https://app.example/',
    'http://app.example@evil.example/',
  ])(
    'sends the user to no page but that which has opened the widget: %s',
    async (page) => {
      for (const version of [undefined, 'v3']) {
        const state = await start();
        const { status, headers } = await callBack(
          state,
          'code=1',
          page,
          version,
        );
        expect([status, headers.get('location')]).toEqual([200, null]);
      }
      const { headers } = await callBack(
        await start({ pageOrigin: undefined }),
        'code=1',
        'http://app.example/',
      );
      expect(headers.get('location')).toBeNull();
    },
  );

  it.each(['javascript:alert(1)', 'not an address', ''])(
    'redirects to no page at %j',
    async (page) => {
      const { status } = await callBack(await start(), 'code=1', page);
      expect(status).toBe(200);
    },
  );

  it('refuses a consent of a session that is over', async () => {
    const consent = { requestId: 'unknown', integration: 1 };
    expect((await call('/widget/oauth', consent)).status).toBe(409);
  });

  it('has a page of the platform that refuses to be in a frame', async () => {
    const { status, headers } = await call('/widget/authorize?state=x');
    expect(status).toBe(200);
    expect(headers.get('content-security-policy')).toContain(
      "frame-ancestors 'none'",
    );
  });

  it('does not exist with Pica, whose widget asks for the consent itself', async () => {
    const pica = await startEmulator();
    for (const path of ['/widget/authorize', '/widget/callback', CHECK]) {
      expect((await call(path, undefined, pica)).status).toBe(404);
    }
    expect((await call('/widget/oauth', {}, pica)).status).toBe(404);
    expect(pica.requests.map(({ path }) => path)).toEqual([CHECK]);
  });
});
