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

/** Starts an authorization of Gmail for `ada`, and returns its state. */
async function start(fields: object = {}): Promise<string> {
  const token = await fetch(`${one.url}/v1/authkit/token`, {
    method: 'POST',
    headers: { 'x-one-secret': one.secretKey },
    body: JSON.stringify({ identity: 'ada' }),
  });
  const { requestId, rows } = await token.json();
  const consent = { requestId, integration: rows[0].id, ...fields };
  const { status, body } = await call('/widget/oauth', consent);
  expect(status).toBe(201);
  expect(body.path).toContain(`state=${body.state}`);
  return body.state;
}

const base64url = (text: string) => Buffer.from(text).toString('base64url');

/** The platform sends the user back; `page` is what the vendor's package has put behind the state. */
const callBack = (state: string, result: string, page?: string) =>
  call(
    `/widget/callback?${result}&state=${state}${page === undefined ? '' : `~${base64url(page)}`}`,
  );

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

  it('sends the user back with the error alone when the state is unknown', async () => {
    const page = 'http://app.example/';
    const { headers } = await callBack('unknown', 'code=1', page);
    const query = new URL(headers.get('location')!).searchParams;
    expect([...query.keys()]).toEqual(['one_auth_error']);
    expect((await call(`${CHECK}?state=unknown`)).status).toBe(404);
  });

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
