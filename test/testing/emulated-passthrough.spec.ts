import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import type { PicaEmulator } from '../../lib/testing/index.js';
import { startEmulator, useEmulator } from '../support/emulator.js';
import { readResponse } from '../support/http.js';

const emulators = {
  pica: useEmulator(),
  one: useEmulator({ vendor: 'one' }),
};

/** The rows of `GET /v1/available-actions/{platform}`. */
async function actionsOf(pica: PicaEmulator, path: string) {
  const headers = { [`x-${pica.vendor}-secret`]: pica.secretKey };
  return readResponse(
    await fetch(`${pica.url}/v1/available-actions/${path}`, { headers }),
  );
}

interface CallOptions {
  method?: string;
  action?: string;
  key?: string;
  secret?: string;
  body?: string;
  headers?: Record<string, string>;
}

const headersOf = (
  pica: PicaEmulator,
  { secret = pica.secretKey, key, action, headers }: CallOptions,
) => ({
  [`x-${pica.vendor}-secret`]: secret,
  ...(key && { [`x-${pica.vendor}-connection-key`]: key }),
  ...(action && { [`x-${pica.vendor}-action-id`]: action }),
  ...headers,
});

async function call(
  pica: PicaEmulator,
  path: string,
  options: CallOptions = {},
) {
  const { method = 'GET', body } = options;
  return readResponse(
    await fetch(`${pica.url}/v1/passthrough/${path}`, {
      method,
      body,
      redirect: 'manual',
      headers: headersOf(pica, options),
    }),
  );
}

const LABELS = 'gmail/v1/users/me/labels';

/** A connection of Gmail with the action that lists its labels. */
async function connectGmail(pica: PicaEmulator) {
  const connection = pica.connect('ada', 'gmail');
  const { body } = await actionsOf(pica, 'gmail?method=get');
  const [{ systemId }] = body.rows;
  return { connection, key: connection.key, action: systemId as string };
}

describe.each(['pica', 'one'] as const)('calls through %s', (vendor) => {
  const pica = emulators[vendor];

  it('reach the platform with the connection of the key', async () => {
    const { key, action } = await connectGmail(pica);
    const { status, headers, body } = await call(pica, LABELS, { key, action });
    expect([status, headers.get('content-type')]).toEqual([
      200,
      'application/json',
    ]);
    expect(body.labels).toContainEqual({
      id: 'INBOX',
      name: 'INBOX',
      type: 'system',
    });
    expect(pica.requests.at(-1)).toMatchObject({
      path: `/v1/passthrough/${LABELS}`,
      status: 200,
      problem: undefined,
    });
  });

  it('are 401 in bare text with a refused secret', async () => {
    const { key, action } = await connectGmail(pica);
    for (const secret of ['sk_test_other', '']) {
      const response = await call(pica, LABELS, { key, action, secret });
      expect([response.status, response.text]).toEqual([
        401,
        '401 Unauthorized',
      ]);
      expect(response.headers.get('content-type')).toContain('text/plain');
    }
    pica.fault({ status: 401 });
    expect((await call(pica, LABELS, { key, action })).text).toBe(
      '401 Unauthorized',
    );
  });

  it.each<[string, (given: { key: string; action: string }) => CallOptions]>([
    ['no action', ({ key }) => ({ key })],
    ['an unknown action', ({ key }) => ({ key, action: 'conn_mod_def::x::y' })],
    ['no connection key', ({ action }) => ({ action })],
    [
      'a key of the other environment',
      ({ key, action }) => ({ action, key: key.replace('test::', 'live::') }),
    ],
    [
      'the action of another method',
      ({ key, action }) => ({ key, action, method: 'POST', body: '{}' }),
    ],
  ])('are 400 with %s', async (_name, options) => {
    const given = await connectGmail(pica);
    const response = await call(pica, LABELS, options(given));
    expect(response.status).toBe(400);
    expect(response.body).toEqual({
      correlationId: response.headers.get('x-one-correlation-id'),
      key: 'secret_middleware_error',
      type: 'secret_middleware_error',
      message: expect.stringMatching(/\w+ \w+/),
      status: 400,
    });
    expect(pica.requests.at(-1)!.problem).toBe(response.body.message);
  });

  it('are 400 with the action of another path or platform', async () => {
    const { key, action } = await connectGmail(pica);
    const slack = pica.connect('ada', 'slack').key;
    for (const [path, connection] of [
      ['gmail/v1/users/me/messages', key],
      [`${LABELS}/x`, key],
      [LABELS, slack],
    ] as const) {
      const response = await call(pica, path, { key: connection, action });
      expect(response.body).toMatchObject({ key: 'secret_middleware_error' });
    }
  });

  it('are "Connection not found" with an unknown or broken connection', async () => {
    const { connection, key, action } = await connectGmail(pica);
    const expectLost = async (lostKey: string) => {
      const { status, body } = await call(pica, LABELS, {
        key: lostKey,
        action,
      });
      expect([status, body]).toEqual([
        404,
        {
          correlationId: expect.any(String),
          key: 'http_error',
          type: 'http_error',
          message: 'Connection not found',
          status: 404,
        },
      ]);
    };
    await expectLost('test::gmail::default::nobody');
    pica.breakConnection(connection.id);
    await expectLost(key);

    const repaired = pica.repairConnection(connection.id);
    expect(repaired).toMatchObject({ state: 'operational', active: true });
    expect((await call(pica, LABELS, { key, action })).status).toBe(200);

    // The row does not tell.
    const silent = pica.breakConnection(connection.id, { silently: true });
    expect(silent).toMatchObject({ state: 'operational', active: true });
    await expectLost(key);
  });

  it('get what the handler of a platform returns', async () => {
    const { key } = pica.connect('ada', 'gmail');
    const { systemId: action } = pica.platform(
      'gmail',
      'PUT',
      'gmail/v1/users/{{userId}}/x-{{part}}/{{id}}',
      async ({
        method,
        path,
        params,
        query,
        headers,
        connection,
        ...rest
      }) => ({
        status: 201,
        headers: { 'X-Rate': '7' },
        body: {
          method,
          path,
          params,
          query: [...query],
          custom: headers['x-custom'],
          owner: connection.identity,
          body: await rest.json(),
        },
      }),
    );
    const response = await call(
      pica,
      'gmail/v1/users/me/x-a/group%2Fproject?tag=a&tag=b%20c',
      {
        method: 'PUT',
        key,
        action,
        headers: { 'x-custom': 'yes' },
        body: '{"sent":[1]}',
      },
    );
    expect(response.status).toBe(201);
    expect(response.headers.get('x-rate')).toBe('7');
    expect(response.body).toEqual({
      method: 'PUT',
      path: '/gmail/v1/users/me/x-a/group%2Fproject',
      params: { userId: 'me', part: 'a', id: 'group/project' },
      query: [
        ['tag', 'a'],
        ['tag', 'b c'],
      ],
      custom: 'yes',
      owner: 'ada',
      body: { sent: [1] },
    });
    expect(pica.requests.at(-1)!.body).toEqual({ sent: [1] });
  });

  it('need the connection key in the body of an action tagged custom', async () => {
    const { key } = pica.connect('ada', 'gmail');
    const { body } = await actionsOf(pica, 'gmail?tags=custom');
    const [{ systemId: action, method, path }] = body.rows;
    expect(body.rows).toHaveLength(1);
    const send = async (fields: object) =>
      call(pica, path.slice(1), {
        method,
        key,
        action,
        body: JSON.stringify(fields),
      });
    expect((await send({ to: 'bob' })).status).toBe(400);
    expect((await send({ to: 'bob', connectionKey: 'x' })).status).toBe(400);
    expect((await send({ to: 'bob', connectionKey: key })).body).toMatchObject({
      to: 'bob',
    });
  });

  it('list the actions of a platform, page by page and filtered', async () => {
    const { body } = await actionsOf(pica, 'gmail?limit=2&page=2');
    expect(body).toMatchObject({ total: 5, pages: 3, page: 2 });
    expect(body.rows).toHaveLength(2);
    const rows = (await actionsOf(pica, 'gmail')).body.rows;
    expect(rows[0]).toEqual({
      systemId: expect.stringMatching(/^conn_mod_def::[\w-]+::[\w-]+$/),
      title: 'List Labels',
      key: 'api::gmail::v1::Labels::get',
      modelName: 'Labels',
      method: 'GET',
      path: '/gmail/v1/users/{{userId}}/labels',
      tags: [],
    });
    const query = `gmail?method=POST&key=${encodeURIComponent(rows[3].key)}`;
    expect((await actionsOf(pica, query)).body.rows).toEqual([rows[3]]);
    expect((await actionsOf(pica, 'unheard-of')).body.total).toBe(0);
  });

  it('search the actions of a platform', async () => {
    const found = await actionsOf(pica, 'search/gmail?query=list%20MESSAGES');
    expect(found.body).toMatchObject([
      {
        title: 'List Messages',
        method: 'GET',
        knowledge: expect.stringContaining('/gmail/v1/users'),
      },
    ]);
    const limited = await actionsOf(pica, 'search/gmail?query=&limit=3');
    expect(limited.body).toHaveLength(3);
  });

  it('are 401 with the JSON of an error where actions are listed with a refused secret', async () => {
    const { status } = await fetch(`${pica.url}/v1/available-actions/gmail`);
    expect(status).toBe(401);
  });

  it.each([
    ['slack', 'GET', 'conversations.list', undefined],
    ['slack', 'POST', 'chat.postMessage', { channel: 'C1', text: 'Hi' }],
    ['notion', 'POST', 'v1/search', { query: 'Road' }],
    ['notion', 'GET', 'v1/pages/page-1', undefined],
    ['hubspot', 'GET', 'crm/v3/objects/contacts', undefined],
    ['hubspot', 'POST', 'crm/v3/objects/contacts', { properties: {} }],
    ['github', 'GET', 'user/repos', undefined],
    ['github', 'GET', 'repos/ada/engine', undefined],
    ['gmail', 'GET', 'gmail/v1/users/me/messages?maxResults=5', undefined],
    ['gmail', 'GET', 'gmail/v1/users/me/messages/msg-1', undefined],
    ['gmail', 'POST', 'gmail/v1/users/me/messages/send', { raw: 'x' }],
  ])(
    'have built-in actions: %s %s %s',
    async (platform, method, path, body) => {
      const { key } = pica.connect('ada', platform);
      const { rows } = (await actionsOf(pica, `${platform}?method=${method}`))
        .body;
      const statuses = [];
      for (const { systemId: action } of rows) {
        const text = body && JSON.stringify(body);
        const options = { method, key, action, body: text };
        statuses.push((await call(pica, path, options)).status);
      }
      // One of them is meant for this path.
      expect(statuses.filter((status) => status < 300)).toHaveLength(1);
    },
  );
});

describe('the handlers of platforms', () => {
  const { pica } = emulators;
  const serve = (handler: Parameters<PicaEmulator['platform']>[3]) => {
    const { key } = pica.connect('ada', 'gmail');
    const { systemId } = pica.platform('gmail', 'POST', '/any', handler);
    return { method: 'POST', key, action: systemId };
  };

  it.each<[string, unknown, string, string]>([
    ['a string', 'plain', 'text/plain; charset=utf-8', 'plain'],
    ['bytes', Buffer.from('über'), 'application/octet-stream', 'über'],
    ['an object', { a: 1 }, 'application/json', '{"a":1}'],
    [
      'an async iterable',
      (async function* () {
        yield Buffer.from('a');
        yield 'b';
      })(),
      'application/octet-stream',
      'ab',
    ],
  ])('may return as the body %s', async (_name, body, type, expected) => {
    const { headers, text } = await call(
      pica,
      'any',
      serve(() => ({ body })),
    );
    expect(headers.get('content-type')).toBe(type);
    expect(text).toBe(expected);
  });

  it('may return nothing, a redirect, and JSON labelled as bytes', async () => {
    const empty = await call(
      pica,
      'any',
      serve(() => ({ status: 204 })),
    );
    expect([empty.status, empty.text]).toEqual([204, '']);
    const moved = await call(
      pica,
      'any',
      serve(() => ({
        status: 302,
        headers: { Location: 'http://evil.test/' },
      })),
    );
    expect(moved.status).toBe(302);
    expect(moved.headers.get('location')).toBe('http://evil.test/');
    const bytes = { 'Content-Type': 'application/octet-stream' };
    const json = serve(() => ({ headers: bytes, body: { ok: true } }));
    const labelled = await call(pica, 'any', json);
    expect(labelled.headers.get('content-type')).toBe(
      'application/octet-stream',
    );
    expect(labelled.text).toBe('{"ok":true}');
  });

  it('are hit by faults: a rate limit, another label, a changed and a truncated body', async () => {
    const options = serve(() => ({
      body: (async function* () {
        yield Buffer.from('{"ok":true}');
      })(),
    }));
    const path = '/v1/passthrough/any';
    pica.fault({
      path,
      times: 1,
      status: 429,
      headers: { 'retry-after': '2' },
    });
    const limited = await call(pica, 'any', options);
    expect(limited.body).toMatchObject({ status: 429, key: 'http_error' });
    expect(pica.requests.at(-1)!.problem).toContain('fault: status 429');

    const label = { 'content-type': 'text/x-odd' };
    pica.fault({ path, times: 1, headers: label });
    const labelled = await call(pica, 'any', options);
    expect(labelled.headers.get('content-type')).toBe('text/x-odd');

    pica.fault({ path, times: 1, cutOff: 3 });
    await expect(call(pica, 'any', options)).rejects.toThrow('terminated');
  });

  it('replace the built-in action of a path, and are removed by reset()', async () => {
    const { key, action } = await connectGmail(pica);
    const path = '/gmail/v1/users/{{userId}}/labels';
    const own = pica.platform('gmail', 'get', path, () => ({ body: 'mine' }));
    expect(own.systemId).toBe(action);
    expect((await call(pica, LABELS, { key, action })).text).toBe('mine');
    pica.platform('gmail', 'GET', path, () => ({}), {
      systemId: 'conn_mod_def::a::b',
      title: 'The same again',
    });
    expect((await actionsOf(pica, 'gmail')).body.total).toBe(6);
    pica.reset();
    expect((await actionsOf(pica, 'gmail')).body.total).toBe(5);
  });

  it('make a 500 and a process warning if they throw', async () => {
    const warned = jest
      .spyOn(process, 'emitWarning')
      .mockImplementation(() => {});
    const failing = serve(() => {
      throw new Error('no such thing');
    });
    expect((await call(pica, 'any', failing)).status).toBe(500);
    expect(warned.mock.calls[0]?.[0]).toContain('no such thing');
    warned.mockRestore();
  });

  it('are refused without a handler', () => {
    expect(() => pica.platform('gmail', 'GET', '/x', 1 as never)).toThrow(
      /handler: given 1; expected a function/,
    );
  });
});

describe('large bodies', () => {
  const MEGABYTE = 1024 * 1024;
  const CHUNK = Buffer.alloc(MEGABYTE, 'x');

  /** The growth of memory from now on, in MB. */
  function growth(): () => number {
    const used = () => {
      const { heapUsed, external, arrayBuffers } = process.memoryUsage();
      return (heapUsed + external + arrayBuffers) / MEGABYTE;
    };
    const before = used();
    return () => used() - before;
  }

  async function open(
    pica: PicaEmulator,
    handler: Parameters<PicaEmulator['platform']>[3],
  ) {
    const { key } = pica.connect('ada', 'gmail');
    const { systemId } = pica.platform('gmail', 'POST', '/big', handler);
    const headers = headersOf(pica, { key, action: systemId });
    const url = `${pica.url}/v1/passthrough/big`;
    return httpRequest(url, { method: 'POST', agent: false, headers });
  }

  it('of 200 MB reach the client as they are read', async () => {
    const pica = await startEmulator();
    let created = 0;
    const request = await open(pica, () => ({
      body: (async function* () {
        for (; created < 200; created += 1) yield CHUNK;
      })(),
    }));
    request.end();
    const [response]: [IncomingMessage] = (await once(
      request,
      'response',
    )) as never;
    // A client that does not read holds the handler back.
    for (let i = 0; i < 50; i += 1) await setImmediate();
    expect(created).toBeLessThan(50);
    const grown = growth();
    let received = 0;
    for await (const chunk of response) received += chunk.length;
    expect(received).toBe(200 * MEGABYTE);
    expect(grown()).toBeLessThan(100);
  });

  it('of 200 MB reach the handler as it reads them, and the log has the beginning', async () => {
    const pica = await startEmulator();
    let received = 0;
    const grown = growth();
    const request = await open(pica, async ({ body }) => {
      for await (const chunk of body) received += chunk.length;
      return { body: { received } };
    });
    for (let sent = 0; sent < 200; sent += 1) {
      if (!request.write(CHUNK)) await once(request, 'drain');
    }
    request.end();
    await once(request, 'response');
    expect(received).toBe(200 * MEGABYTE);
    expect(grown()).toBeLessThan(100);
    expect(String(pica.requests.at(-1)!.body)).toHaveLength(64 * 1024);
  });

  it('may go unread: the handler responds, and the connection serves the next call', async () => {
    const pica = await startEmulator();
    const request = await open(pica, () => ({ status: 413 }));
    request.on('error', () => {});
    for (let sent = 0; sent < 8; sent += 1) request.write(CHUNK);
    request.end();
    const [response]: [IncomingMessage] = (await once(
      request,
      'response',
    )) as never;
    expect(response.statusCode).toBe(413);
    response.resume();
  });

  it('end early if the handler fails in the middle', async () => {
    const pica = await startEmulator();
    const request = await open(pica, () => ({
      body: (async function* () {
        yield 'begun';
        throw new Error('broken');
      })(),
    }));
    request.end();
    const [response]: [IncomingMessage] = (await once(
      request,
      'response',
    )) as never;
    await expect(
      (async () => {
        for await (const _ of response);
      })(),
    ).rejects.toThrow('aborted');
    expect(pica.requests.at(-1)).toMatchObject({
      aborted: false,
      problem: expect.stringContaining('broken'),
    });
  });

  it('abort the signal of the handler when the client leaves', async () => {
    const pica = await startEmulator();
    const request = await open(
      pica,
      ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({}));
          request.destroy();
        }),
    );
    request.on('error', () => {}).end();
    while (!pica.requests.at(-1)?.aborted) await setImmediate();
    expect(pica.requests.at(-1)!.problem).toContain('client closed');
  });
});
