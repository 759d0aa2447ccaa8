import { Readable } from 'node:stream';
import type { AuthKitException } from '../../lib/index.js';
import { captureOutput } from '../support/mocks.js';
import { useEmulator } from '../support/emulator.js';
import {
  ADA,
  createPassthrough,
  GMAIL,
  LABELS,
  platformCalls,
} from '../support/passthrough.js';

const emulators = {
  pica: useEmulator(),
  one: useEmulator({ vendor: 'one' }),
};

const failureOf = async (promise: Promise<unknown>) => {
  const failure = await promise.then(
    () => undefined,
    (error) => error,
  );
  return failure as AuthKitException;
};

describe.each(['pica', 'one'] as const)('a call through %s', (vendor) => {
  const pica = emulators[vendor];

  it('resolves with a standard Response of the platform', async () => {
    pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, LABELS);
    expect(response).toBeInstanceOf(Response);
    expect(response.status).toBe(200);
    const { labels } = (await response.json()) as { labels: object[] };
    expect(labels).toContainEqual({
      id: 'INBOX',
      name: 'INBOX',
      type: 'system',
    });
  });

  it('costs one request upstream once the connection and the actions are known', async () => {
    const { id } = pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    for (const selector of [GMAIL, { id }]) {
      await (await service.fetch(ADA, selector, LABELS)).text();
      const before = pica.requests.length;
      await (await service.fetch(ADA, selector, LABELS)).text();
      expect(pica.requests).toHaveLength(before + 1);
    }
  });

  it.each([
    ['the whole', undefined],
    ['an empty object', {}],
    ['a string', 'gmail'],
    ['a key', { key: 'test::gmail::default::ada' }],
    ['an id that is undefined', { id: undefined }],
    ['a platform that is undefined', { platform: undefined }],
    ['tags that are undefined', { platform: 'gmail', tags: undefined }],
    ['both', { id: '1', platform: 'gmail' }],
    ['something else', { platform: 'gmail', identity: 'eve' }],
  ])(
    'refuses %s as the connection, without a request',
    async (_, connection) => {
      pica.connect('ada', 'gmail');
      const service = await createPassthrough(pica);
      const failure = await failureOf(
        service.fetch(ADA, connection as never, LABELS),
      );
      expect(failure.reason).toBe('invalid_argument');
      expect(pica.requests).toEqual([]);
    },
  );

  it('uses connections of the owner alone', async () => {
    const { id } = pica.connect('eve', 'gmail');
    const service = await createPassthrough(pica);
    expect(await failureOf(service.fetch(ADA, { id }, LABELS))).toMatchObject({
      reason: 'not_found',
    });
    expect(await failureOf(service.fetch(ADA, GMAIL, LABELS))).toMatchObject({
      reason: 'not_connected',
    });
    expect(platformCalls(pica)).toEqual([]);
  });

  it('fails with `ambiguous` if several connections are usable', async () => {
    pica.connect('ada', 'gmail');
    pica.connect('ada', 'gmail', { tags: ['work'] });
    const service = await createPassthrough(pica);
    expect((await failureOf(service.fetch(ADA, GMAIL, LABELS))).reason).toBe(
      'ambiguous',
    );
    const work = { platform: 'gmail', tags: ['work'] };
    expect((await service.fetch(ADA, work, LABELS)).status).toBe(200);
  });

  it.each([
    ['text', 'hello', 'text/plain;charset=UTF-8'],
    ['bytes', new Uint8Array([104, 101, 108, 108, 111]), null],
    [
      'URLSearchParams',
      new URLSearchParams({ hello: '' }),
      'application/x-www-form-urlencoded;charset=UTF-8',
    ],
    ['a stream', () => Readable.from([Buffer.from('hello')]), null],
    ['a web stream', () => new Blob(['hello']).stream(), null],
    ['a Blob', new Blob(['hello'], { type: 'x/y' }), 'x/y'],
  ])('sends %s as fetch() does', async (_, body, type) => {
    pica.platform('gmail', 'POST', '/upload', async (request) => ({
      body: {
        text: await request.text(),
        type: request.headers['content-type'] ?? null,
      },
    }));
    pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, 'upload', {
      method: 'POST',
      body: typeof body === 'function' ? body() : body,
    });
    expect(await response.json()).toEqual({
      text: expect.stringMatching(/^hello=?$/),
      type,
    });
  });

  it('sends a form with its boundary, and json with its type', async () => {
    pica.platform('gmail', 'POST', '/upload', async (request) => ({
      body: [request.headers['content-type'], await request.text()],
    }));
    pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    const form = new FormData();
    form.set('file', new Blob(['hello']), 'a.txt');
    const upload = { method: 'post', body: form };
    const [type, text] = (await (
      await service.fetch(ADA, GMAIL, 'upload', upload)
    ).json()) as [string, string];
    const boundary = type.replace('multipart/form-data; boundary=', '');
    expect(text).toContain(`--${boundary}`);
    const json = await service.fetch(ADA, GMAIL, 'upload', {
      method: 'POST',
      json: { a: 1 },
      query: { q: ['1', 2], none: undefined },
    });
    expect(await json.json()).toEqual(['application/json', '{"a":1}']);
    expect(platformCalls(pica).at(-1)!.query).toMatchObject({
      q: expect.anything(),
    });
  });

  it.each([401, 403, 404, 429, 500, 302])(
    'returns the %i of the platform',
    async (status) => {
      pica.platform('gmail', 'POST', '/x', () => ({
        status,
        headers: { location: 'https://evil.example/', 'set-cookie': 'a=1' },
        body: { error: 'platform', status },
      }));
      pica.connect('ada', 'gmail');
      const service = await createPassthrough(pica);
      const response = await service.fetch(ADA, GMAIL, 'x', { method: 'POST' });
      expect(response.status).toBe(status);
      expect(response.headers.get('location')).toBe('https://evil.example/');
      expect(response.headers.get('set-cookie')).toBeNull();
      expect(await response.json()).toEqual({ error: 'platform', status });
      expect(platformCalls(pica)).toHaveLength(1);
    },
  );

  const vendorError = (status: number, more: object = {}) => ({
    status,
    body: {
      correlationId: 'c1',
      key: 'k',
      type: 't',
      status,
      message: 'm',
      ...more,
    },
  });

  it.each([
    ['401 of the vendor', vendorError(401), 'secret_rejected'],
    ['403 of the vendor', vendorError(403), 'secret_rejected'],
    ['402 of the vendor', vendorError(402), 'quota_exceeded'],
    ['429 of the vendor', vendorError(429), 'rate_limited'],
    [
      '400 secret_middleware_error',
      vendorError(400, { key: 'secret_middleware_error' }),
      'rejected',
    ],
    [
      'bare 401 Unauthorized',
      { status: 401, body: ' 401 Unauthorized\n' },
      'secret_rejected',
    ],
    [
      'bare 403 Forbidden',
      { status: 403, body: '403 Forbidden' },
      'secret_rejected',
    ],
    [
      'Connection not found',
      vendorError(404, { message: 'Connection not found' }),
      'reconnect_required',
    ],
    [
      'Connection not found with code 2019',
      {
        status: 400,
        body: { code: 2019, message: 'Connection not found: x' },
      },
      'reconnect_required',
    ],
  ])('fails for %s', async (_, response, reason) => {
    captureOutput();
    pica.platform('gmail', 'POST', '/x', () => ({
      headers: { 'content-type': 'application/octet-stream' },
      ...response,
    }));
    pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    const failure = await failureOf(
      service.fetch(ADA, GMAIL, 'x', { method: 'POST' }),
    );
    expect(failure.reason).toBe(reason);
  });

  it.each([
    [
      'a status that differs',
      401,
      { correlationId: 'c', key: 'k', type: 't', status: 400 },
    ],
    [
      'a number as key',
      401,
      { correlationId: 'c', key: 1, type: 't', status: 401 },
    ],
    [
      'more than 16 kB',
      401,
      { correlationId: 'c'.repeat(20_000), key: 'k', type: 't', status: 401 },
    ],
    ['code 2019 alone', 400, { code: 2019, message: 'of the platform' }],
    ['the message alone', 404, { message: 'Connection not found' }],
    ['other text', 401, '401 Unauthorized.'],
    [
      'a vendor error of another status',
      422,
      { correlationId: 'c', key: 'k', type: 't', status: 422 },
    ],
    ['nothing', 403, ''],
  ])(
    'returns an error with %s, and its whole body',
    async (_, status, body) => {
      pica.platform('gmail', 'POST', '/x', () => ({ status, body }));
      pica.connect('ada', 'gmail');
      const service = await createPassthrough(pica);
      const response = await service.fetch(ADA, GMAIL, 'x', { method: 'POST' });
      expect(response.status).toBe(status);
      expect(await response.text()).toBe(
        typeof body === 'string' ? body : JSON.stringify(body),
      );
    },
  );

  it('retries a GET within `retries`, and returns the last response', async () => {
    let calls = 0;
    pica.platform('gmail', 'GET', '/x', () => ({
      status: 503,
      body: String(++calls),
    }));
    pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, 'x', { retries: 2 });
    expect([response.status, await response.text()]).toEqual([503, '3']);
  });

  it('never repeats a POST or a stream, unless `retries` is given', async () => {
    let calls = 0;
    pica.platform('gmail', 'POST', '/x', async (request) => {
      await request.text();
      calls += 1;
      return { status: 503 };
    });
    pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    await service.fetch(ADA, GMAIL, 'x', { method: 'POST', body: 'a' });
    expect(calls).toBe(1);
    const stream = Readable.from([Buffer.from('a')]);
    await service.fetch(ADA, GMAIL, 'x', {
      method: 'POST',
      body: stream,
      retries: 3,
    });
    expect(calls).toBe(2);
    await service.fetch(ADA, GMAIL, 'x', {
      method: 'POST',
      body: 'a',
      retries: 1,
    });
    expect(calls).toBe(4);
  });

  it('fails with `timed_out` if there are no headers within `timeout`', async () => {
    captureOutput();
    pica.platform('gmail', 'GET', '/x', () => new Promise(() => {}));
    pica.connect('ada', 'gmail');
    const service = await createPassthrough(pica);
    const failure = await failureOf(
      service.fetch(ADA, GMAIL, 'x', { timeout: 300 }),
    );
    expect(failure.reason).toBe('timed_out');
  });

  it('does not give back a key that a response repeats in a header', async () => {
    const { key } = pica.connect('ada', 'gmail');
    pica.platform('gmail', 'GET', '/x', ({ headers }) => ({
      headers: {
        'x-echo': `${headers[`x-${vendor}-secret`]}`,
        'x-echo-key': `key ${key}`,
        'x-fine': 'yes',
      },
      body: 'ok',
    }));
    const service = await createPassthrough(pica);
    const { headers } = await service.fetch(ADA, GMAIL, 'x');
    expect([
      headers.get('x-echo'),
      headers.get('x-echo-key'),
      headers.get('x-fine'),
    ]).toEqual([null, null, 'yes']);
  });
});
