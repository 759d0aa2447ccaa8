import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  afterEach,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { PicaEmulator } from '../../lib/testing/index.js';

const running = new Set<PicaEmulator>();

async function start(
  ...options: Parameters<typeof PicaEmulator.start>
): Promise<PicaEmulator> {
  const started = await PicaEmulator.start(...options);
  running.add(started);
  return started;
}

afterEach(async () => {
  jest.useRealTimers();
  await Promise.all([...running].map((started) => started.stop()));
  running.clear();
});

interface Ask {
  path?: string;
  method?: string;
  key?: string;
  body?: unknown;
  signal?: AbortSignal;
}

/** Asks for a page as the official client does; a string is sent as it is. */
function ask(pica: PicaEmulator, options: Ask = {}): Promise<Response> {
  const {
    path = pica.vendor === 'one' ? '/v1/authkit/token' : '/v1/authkit',
    method = 'POST',
    key = pica.secretKey,
    body = {},
    signal,
  } = options;
  return fetch(`${pica.url}${path}`, {
    method,
    signal,
    headers: {
      'content-type': 'application/json',
      [pica.vendor === 'one' ? 'X-One-Secret' : 'X-Pica-Secret']: key,
    },
    body:
      method === 'GET'
        ? undefined
        : typeof body === 'string'
          ? body
          : JSON.stringify(body),
  });
}

// Whatever is answered is what the test looks at.
// oxlint-disable-next-line typescript/no-explicit-any
type Json = any;

async function json(response: Promise<Response>): Promise<Json> {
  return (await response).json();
}

const flags = { path: '/v1/users/flags', method: 'GET' };

/** A call that is not answered, and leaves when told to. */
async function hangingCall(pica: PicaEmulator) {
  pica.fault({ hang: true });
  const client = new AbortController();
  const answer = ask(pica, { signal: client.signal });
  answer.catch(() => {});
  await until(() => pica.requests.at(-1)?.body !== undefined);
  return { client, answer };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

const DATE_TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

describe('PicaEmulator as Pica', () => {
  it('returns the flags of the account', async () => {
    const pica = await start();
    expect(await json(ask(pica, flags))).toMatchObject({
      authkitWhitelist: false,
    });
    pica.whiteLabel = true;
    expect(await json(ask(pica, flags))).toMatchObject({
      authkitWhitelist: true,
    });
  });

  it('returns a page of integrations', async () => {
    const pica = await start();
    const response = await ask(pica, { path: '/v1/authkit?limit=100&page=2' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.json()).toEqual({
      rows: pica.rows.slice(100, 200),
      total: 247,
      pages: 3,
      page: 2,
      requestId: expect.any(String),
    });
  });

  it('returns 404 for One’s path', async () => {
    const pica = await start();
    const response = await ask(pica, { path: '/v1/authkit/token' });
    expect(response.status).toBe(404);
  });

  it('returns 401 unless the secret header of the vendor has the key', async () => {
    const pica = await start({ secretKey: 'sk_test_right' });
    const unauthorized = {
      correlationId: expect.any(String),
      key: 'http_error',
      message: 'Authentication required',
      type: 'http_error',
      status: 401,
    };
    for (const headers of <Record<string, string>[]>[
      {},
      { 'x-pica-secret': 'sk_test_wrong' },
      { 'x-one-secret': 'sk_test_right' },
    ]) {
      for (const [method, path] of [
        ['GET', '/v1/users/flags'],
        ['POST', '/v1/authkit'],
      ] as const) {
        const response = await fetch(`${pica.url}${path}`, { method, headers });
        expect(response.status).toBe(401);
        expect(await response.json()).toEqual(unauthorized);
      }
    }
    expect((await ask(pica)).status).toBe(200);
  });
});

describe('PicaEmulator as One', () => {
  it('returns a page of integrations with isWhiteLabel', async () => {
    const one = await start({ vendor: 'one', whiteLabel: true });
    expect(
      await json(ask(one, { path: '/v1/authkit/token?limit=100&page=3' })),
    ).toEqual({
      rows: one.rows.slice(200),
      total: 247,
      pages: 3,
      page: 3,
      requestId: expect.any(String),
      isWhiteLabel: true,
    });
  });

  it('returns 401 for Pica’s header', async () => {
    const one = await start({ vendor: 'one' });
    const response = await fetch(`${one.url}/v1/authkit/token`, {
      method: 'POST',
      headers: { 'X-Pica-Secret': one.secretKey },
      body: '{}',
    });
    expect(response.status).toBe(401);
  });

  it.each([flags, { path: '/v1/authkit' }])(
    'returns 404 for $path',
    async (call) => {
      const one = await start({ vendor: 'one' });
      const response = await ask(one, call);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({
        correlationId: response.headers.get('x-one-correlation-id'),
        key: 'http_error',
        message: 'Not Found',
        type: 'http_error',
        status: 404,
      });
    },
  );
});

describe('a page of integrations', () => {
  it('has 20 rows of page 1 by default', async () => {
    const pica = await start();
    const answer = await json(ask(pica));
    expect(answer.rows).toEqual(pica.rows.slice(0, 20));
    expect(answer).toMatchObject({ total: 247, pages: 13, page: 1 });
  });

  it('has at most 150 rows, whatever the limit is', async () => {
    const pica = await start();
    const answer = await json(ask(pica, { path: '/v1/authkit?limit=10000' }));
    expect(answer.rows).toHaveLength(150);
    expect(answer.pages).toBe(2);
  });

  it.each([
    [0, 0],
    [1, 1],
    [99, 1],
    [100, 1],
    [101, 2],
    [1000, 10],
  ])(
    'counts %d integrations at 100 a page as %d pages',
    async (total, pages) => {
      const pica = await start({ integrations: total });
      const seen: unknown[] = [];
      for (let page = 1; page <= Math.max(pages, 1); page += 1) {
        const answer = await json(
          ask(pica, { path: `/v1/authkit?limit=100&page=${page}` }),
        );
        expect(answer).toMatchObject({ total, pages, page });
        seen.push(...answer.rows);
      }
      expect(seen).toEqual(pica.rows);
    },
  );

  it('has no rows beyond the last page', async () => {
    const pica = await start({ integrations: 5 });
    expect(
      await json(ask(pica, { path: '/v1/authkit?page=999999999999' })),
    ).toMatchObject({ rows: [], total: 5, pages: 1, page: 999999999999 });
  });

  it('has one row with the limit 0', async () => {
    const pica = await start();
    const page = await json(ask(pica, { path: '/v1/authkit?limit=0&page=3' }));
    expect(page).toMatchObject({ rows: [pica.rows[2]], pages: 247, page: 3 });
  });

  it('begins behind the rows to skip', async () => {
    const pica = await start();
    const path = '/v1/authkit?limit=10&page=2&skip=5';
    expect((await json(ask(pica, { path }))).rows).toEqual(
      pica.rows.slice(15, 25),
    );
  });

  it.each([
    ['limit', '-0'],
    ['page', '0'],
    ['skip', '-0'],
  ])('is refused for a %s that is no number', async (name, other) => {
    const pica = await start();
    for (const value of ['null', 'abc', other, '-1', '1.5', '1e3', '', '%20']) {
      const response = await ask(pica, {
        path: `/v1/authkit?${name}=${value}`,
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        status: 400,
        message: expect.stringContaining(name),
      });
    }
  });
});

describe('the body of a token call', () => {
  it.each([
    {},
    { identity: 'ada', identityType: 'user' },
    { identity: 'acme', identityType: 'organization' },
    { identity: 'core', identityType: 'team' },
    { identity: 'apollo', identityType: 'project' },
    { group: 'old', label: 'names', later: ['field'] },
    { identity: null, identityType: null, name: null, tags: null },
    { identity: 'ada', name: 'Work', tags: ['a', 'b'] },
  ])('is accepted as %j', async (body) => {
    const pica = await start();
    expect((await ask(pica, { body })).status).toBe(200);
    expect(pica.requests[0]?.body).toEqual(body);
  });

  it.each([
    ['no JSON', 'identity=ada', 400],
    ['half of it', '{"identity":', 400],
    ['nothing', '', 400],
    ['no object', '["ada"]', 400],
    ['null', 'null', 400],
    ['a type that does not exist', { identityType: 'tenant' }, 422],
    ['a type with a name of Object', { identityType: 'constructor' }, 422],
    ['a number for an identity', { identity: 42 }, 422],
    ['a number for a name', { name: 42 }, 422],
    ['a text for the tags', { tags: 'work' }, 422],
    ['a number among the tags', { tags: ['work', 7] }, 422],
    ['an identity of many pages', { identity: 'x'.repeat(9000) }, 422],
  ])('is refused with %s', async (_name, body, status) => {
    const pica = await start();
    const response = await ask(pica, { body });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      status,
      message: expect.any(String),
    });
  });

  it('is refused beyond 1 MB, and the connection stays usable', async () => {
    const pica = await start();
    const body = { identity: 'x'.repeat(5 * 1024 * 1024) };
    const response = await ask(pica, { body });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ status: 413 });
    expect(String(pica.requests[0]?.body)).toHaveLength(1024 * 1024);
    expect((await ask(pica)).status).toBe(200);
  });
});

describe('every response', () => {
  it('has a correlation id of its own, even if it is an error', async () => {
    const pica = await start();
    const answers = [
      await ask(pica),
      await ask(pica, { key: 'sk_test_wrong' }),
      await ask(pica, { path: '/' }),
    ];
    const ids = answers.map(({ headers }) =>
      headers.get('x-one-correlation-id'),
    );
    expect(ids).toEqual(ids.map(() => expect.stringMatching(/\w{8}/)));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is 405 for a wrong method and 404 for a wrong path', async () => {
    const pica = await start();
    const response = await ask(pica, { method: 'GET' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    expect(await response.json()).toMatchObject({ status: 405 });
    for (const path of ['/', '//v1/authkit', '/v1/authkit/', '/v1/AuthKit']) {
      expect((await ask(pica, { path })).status).toBe(404);
    }
  });

  it('comes over a kept-alive connection', async () => {
    const pica = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const get = () =>
      new Promise<string>((resolve, reject) => {
        const headers = { 'x-pica-secret': pica.secretKey };
        httpRequest(`${pica.url}${flags.path}`, { agent, headers })
          .on('response', (response) => resolve(text(response)))
          .on('error', reject)
          .end();
      });
    const answers = [await get(), await get(), await get()];
    expect(new Set(answers).size).toBe(1);
    expect(pica.openConnections).toBe(1);
    agent.destroy();
    await until(() => pica.openConnections === 0);
  });

  it('is delayed by the latency, which can be changed', async () => {
    const pica = await start({ latency: 60 });
    const began = performance.now();
    await ask(pica);
    expect(performance.now() - began).toBeGreaterThanOrEqual(58);
    pica.latency = 60_000;
    const client = new AbortController();
    const waiting = ask(pica, { signal: client.signal });
    await until(() => pica.requests.length === 2);
    pica.latency = 0;
    expect((await ask(pica)).status).toBe(200);
    client.abort();
    await expect(waiting).rejects.toThrow('aborted');
  });

  it('comes under fake timers', async () => {
    const pica = await start({ latency: 5 });
    jest.useFakeTimers();
    const socket = connect(pica.port, '127.0.0.1');
    socket.write(
      'GET /v1/none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    expect(await text(socket)).toContain('404');
  });

  it('is 400 for bytes that are not HTTP, and the next request is served', async () => {
    const pica = await start();
    const socket = connect(pica.port, '127.0.0.1');
    socket.end('\u0016\u0003\u0001 hello?\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
    expect((await ask(pica)).status).toBe(200);
  });
});

describe('the request id', () => {
  it('is a new one for every call by default', async () => {
    const pica = await start();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => json(ask(pica))),
    );
    const ids = answers.map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(20);
    expect(ids).toContain('oauth_req_1');
  });

  it('is what the option requestId returns', async () => {
    const pica = await start({
      requestId: ({ query, body }) =>
        query.page === '2' ? null : JSON.stringify(body).length,
    });
    expect(await json(ask(pica))).toMatchObject({ requestId: 2 });
    expect(await json(ask(pica, { path: '/v1/authkit?page=2' }))).toMatchObject(
      { requestId: null },
    );
  });
});

describe('the integrations', () => {
  it('are the same in every run', async () => {
    const [one, other] = [await start(), await start({ integrations: 300 })];
    expect(other.rows.slice(0, 247)).toEqual(one.rows);
    expect(one.rows[0]).toMatchObject({ title: 'Gmail', type: 'gmail' });
  });

  it.each([247, 1000])(
    'have distinct ids, names and platforms when there are %d',
    async (count) => {
      const { rows } = await start({ integrations: count });
      for (const field of ['id', 'connectionDefId', 'title', 'type', 'image']) {
        const values = rows.map((row) => row[field]);
        expect(values.every((value) => typeof value === 'string')).toBe(true);
        expect(new Set(values).size).toBe(count);
      }
    },
  );

  it('are the best-known products first, and numbered when the products run out', async () => {
    const { rows } = await start({ integrations: 1000 });
    const titles = rows.map(({ title }) => title);
    expect(titles.slice(0, 20)).toEqual(
      expect.arrayContaining(['Gmail', 'Slack', 'Salesforce', 'Notion']),
    );
    expect(titles.slice(0, 247).filter((title) => /\(/.test(title!))).toEqual(
      [],
    );
    expect(rows.find(({ title }) => title === 'Gmail (2)')?.type).toBe(
      'gmail-2',
    );
  });

  it('have the documented fields', async () => {
    const { rows } = await start({ integrations: 1000 });
    for (const row of rows) {
      expect(row).toEqual({
        id: expect.stringMatching(/^conn_\w+$/),
        connectionDefId: expect.any(String),
        type: expect.stringMatching(/^[a-z0-9]+(-[a-z0-9]+)*$/),
        title: expect.any(String),
        image: expect.stringMatching(/^https:\/\/[^\s]+\.svg$/),
        activatedAt: expect.stringMatching(DATE_TIME),
        secretId: expect.stringMatching(UUID),
        clientSecretDisplay: expect.any(String),
        clientIdDisplay: expect.any(String),
        scopes: expect.any(String),
        environment: 'test',
        guide: expect.any(String),
        createdAt: expect.stringMatching(DATE_TIME),
        tags: [expect.any(String)],
        active: true,
        useDefaultOauthCreds: expect.any(Boolean),
      });
    }
  });

  it('can be changed at any time, to a number or to rows', async () => {
    const pica = await start({ integrations: 3 });
    const titles = async () =>
      (await json(ask(pica))).rows.map(({ title }: Json) => title);
    expect(await titles()).toHaveLength(3);

    pica.integrations = 5;
    expect(pica.integrations).toBe(5);
    expect(await titles()).toHaveLength(5);

    const own = [{ id: 7, title: 'Ours', custom: { deep: null } }];
    pica.integrations = own;
    expect(pica.integrations).toEqual(own);
    expect(await json(ask(pica))).toMatchObject({ rows: own, total: 1 });
  });

  it('are created on demand: a billion start within 500 ms', async () => {
    const began = performance.now();
    const pica = await start({ integrations: 1_000_000_000 });
    expect(await json(ask(pica))).toMatchObject({ pages: 50_000_000 });
    expect(performance.now() - began).toBeLessThan(500);
  });

  it('are frozen', async () => {
    const pica = await start({ integrations: 1 });
    expect(() => {
      pica.rows[0]!.title = 'Mine';
    }).toThrow(TypeError);
  });
});

describe('the log of requests', () => {
  it('has all facts of a request, in order of arrival', async () => {
    const before = Date.now();
    const pica = await start();
    await ask(pica, { path: '/v1/authkit?limit=5&q=a%20b', body: { a: 1 } });
    await ask(pica, { path: '/v1/none', body: 'plain text', key: 'wrong' });
    await ask(pica, flags);
    expect(pica.requests).toEqual([
      {
        method: 'POST',
        path: '/v1/authkit',
        query: { limit: '5', q: 'a b' },
        headers: expect.objectContaining({ 'x-pica-secret': pica.secretKey }),
        body: { a: 1 },
        startedAt: expect.any(Number),
        status: 200,
        aborted: false,
        durationMs: expect.any(Number),
        problem: undefined,
      },
      expect.objectContaining({
        path: '/v1/none',
        body: 'plain text',
        status: 404,
        problem: 'Not Found',
      }),
      expect.objectContaining({ method: 'GET', body: undefined, query: {} }),
    ]);
    for (const { startedAt } of pica.requests) {
      expect(startedAt).toBeGreaterThanOrEqual(before);
      expect(startedAt).toBeLessThanOrEqual(Date.now());
    }
  });

  it('marks a request as aborted when the client leaves before the response', async () => {
    const pica = await start();
    const { client } = await hangingCall(pica);
    expect(pica.requests[0]).toMatchObject({ aborted: false });
    client.abort();
    await until(() => pica.requests[0]!.aborted);
    expect(pica.requests[0]).toMatchObject({ status: undefined });
  });

  it('marks a request as aborted when the client leaves during the latency or in the middle of its body', async () => {
    const pica = await start({ latency: 60_000 });
    const client = new AbortController();
    ask(pica, { signal: client.signal }).catch(() => {});
    const socket = connect(pica.port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab');
    await until(() => pica.requests.length === 2);
    client.abort();
    socket.destroy();
    await until(() => pica.requests.every(({ aborted }) => aborted));
    expect(pica.requests.map(({ status }) => status)).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('does not mark a request as aborted when the emulator stops', async () => {
    const pica = await start();
    await hangingCall(pica);
    await pica.stop();
    expect(pica.requests).toEqual([
      expect.objectContaining({ aborted: false }),
    ]);
  });
});

describe('reset', () => {
  it('restores the state at the start', async () => {
    const rows = [{ id: 1, title: 'Ours' }];
    const options = {
      integrations: rows,
      latency: 3,
      whiteLabel: true,
      ignoreFilters: ['active'] as const,
    };
    const pica = await start(options);
    const first = await json(ask(pica));
    const connection = pica.connect('ada', 'gmail');

    pica.fault({ status: 500 });
    pica.integrations = 9;
    pica.latency = 0;
    pica.whiteLabel = false;
    pica.ignoreFilters = true;
    rows[0]!.title = 'Changed';
    await ask(pica);
    pica.reset();

    const { integrations, latency, whiteLabel, ignoreFilters } = pica;
    expect({ integrations, latency, whiteLabel, ignoreFilters }).toEqual({
      ...options,
      integrations: [{ id: 1, title: 'Ours' }],
    });
    expect(pica.requests).toEqual([]);
    expect(pica.connections).toEqual([]);
    expect(await json(ask(pica))).toEqual(first);
    expect(pica.connect('ada', 'gmail')).toMatchObject({
      id: connection.id,
      key: connection.key,
    });
  });
});

describe('stop', () => {
  let before: string[];
  beforeEach(() => {
    before = process.getActiveResourcesInfo().sort();
  });

  it('leaves no connection, no timer and no server open', async () => {
    const pica = await start({ latency: 30 });
    await ask(pica);
    const { answer } = await hangingCall(pica);
    pica.latency = 60_000;
    const waiting = ask(pica);
    waiting.catch(() => {});
    pica.clearFaults();
    pica.fault({ endless: true, path: '/endless' });
    await until(() => pica.requests.length === 3);

    await pica.stop();
    await pica.stop();
    await expect(answer).rejects.toThrow('fetch failed');
    await expect(waiting).rejects.toThrow('fetch failed');
    await expect(ask(pica)).rejects.toThrow('fetch failed');
    expect(pica.openConnections).toBe(0);
    await until(() => process.getActiveResourcesInfo().length <= before.length);
  });

  it('is called at the end of an `await using` block', async () => {
    const pica = await start();
    await pica[Symbol.asyncDispose]();
    await expect(ask(pica)).rejects.toThrow('fetch failed');
  });
});

describe('GET /v1/users/whoami', () => {
  it('returns the user, organization and project of the key, for One alone', async () => {
    const whoami = { path: '/v1/users/whoami', method: 'GET' };
    const one = await start({ vendor: 'one' });
    const named = { id: expect.stringMatching(UUID), name: expect.any(String) };
    expect(await json(ask(one, whoami))).toEqual({
      user: { ...named, email: expect.stringContaining('@') },
      organization: named,
      project: named,
    });
    expect((await ask(await start(), whoami)).status).toBe(404);
  });
});

describe.each(['pica', 'one'] as const)(
  'GET /v1/available-connectors of %s',
  (vendor) => {
    const list = (pica: PicaEmulator, query: string) =>
      json(
        ask(pica, { path: `/v1/available-connectors?${query}`, method: 'GET' }),
      );

    it('lists the integrations on offer, page by page, with the ids of their definitions', async () => {
      const pica = await start({ vendor, integrations: 30 });
      const page = await list(pica, 'authkit=true&page=2&limit=20');
      expect(page).toMatchObject({ total: 30, pages: 2, page: 2 });
      expect(page.rows.map(({ id }: Json) => id)).toEqual(
        pica.rows.slice(20).map(({ connectionDefId }) => connectionDefId),
      );
      const [gmail] = (await list(pica, 'authkit=true')).rows;
      expect(gmail).toEqual({
        id: pica.rows[0]!.connectionDefId,
        name: 'Gmail',
        key: 'api::gmail::v1',
        platform: 'gmail',
        platformVersion: 'v1',
        title: 'Gmail',
        description: expect.any(String),
        category: 'Email',
        image: pica.rows[0]!.image,
        tags: ['Email'],
        tools: expect.any(Number),
        oauth: true,
        oauthScopes: {
          raw: 'gmail.read gmail.write',
          scopes: ['gmail.read', 'gmail.write'],
          separator: null,
        },
        status: 'generally_available',
        version: '1.0.0',
        active: true,
      });
    });

    it('lists all products without authkit=true', async () => {
      const pica = await start({ vendor, integrations: 3 });
      expect(await list(pica, 'page=1')).toMatchObject({ total: 247 });
    });
  },
);

describe('an invalid option', () => {
  it.each<[string, unknown, ErrorConstructor, RegExp]>([
    [
      'an unknown vendor',
      { vendor: 'pika' },
      TypeError,
      /vendor: given 'pika'; expected 'pica' or 'one'/,
    ],
    [
      'a negative latency',
      { latency: -5 },
      RangeError,
      /latency: given -5; expected .* milliseconds from 0/,
    ],
    [
      'a latency that is no number',
      { latency: '5' },
      TypeError,
      /latency: given '5'/,
    ],
    [
      'an infinite latency',
      { latency: Infinity },
      RangeError,
      /latency: given Infinity/,
    ],
    [
      'no number of integrations',
      { integrations: -1 },
      RangeError,
      /integrations: given -1; expected a whole number from 0/,
    ],
    [
      'half an integration',
      { integrations: 1.5 },
      RangeError,
      /integrations: given 1\.5/,
    ],
    [
      'integrations that are no rows',
      { integrations: [{ id: 1 }, 'gmail'] },
      TypeError,
      /integrations: given .*'gmail' \]; expected .* rows/,
    ],
    [
      'a port that does not exist',
      { port: 70_000 },
      RangeError,
      /port: given 70000; expected .* to 65535/,
    ],
    [
      'a white label that is no boolean',
      { whiteLabel: 'yes' },
      TypeError,
      /whiteLabel: given 'yes'; expected true or false/,
    ],
    [
      'a request id that is no function',
      { requestId: 'req' },
      TypeError,
      /requestId: given 'req'; expected a function/,
    ],
    [
      'an option that does not exist',
      { latencey: 5 },
      TypeError,
      /latencey: there is no such option; expected one of .*latency/,
    ],
    ['no options', 'pica', TypeError, /given a string; expected an object/],
    [
      'an empty key',
      { secretKey: '' },
      TypeError,
      /secretKey: given an empty string; expected a string without spaces/,
    ],
  ])(
    '%s is an error with the given value and the expected one',
    async (_name, options, Kind, message) => {
      const refused = start(options as never);
      await expect(refused).rejects.toThrow(Kind);
      await expect(refused).rejects.toThrow(message);
    },
  );

  it('never shows a key', async () => {
    const refused = start({ secretKey: 'sk_live_real\n' });
    await expect(refused).rejects.toThrow(/line breaks/);
    await expect(refused).rejects.not.toThrow(/sk_live_real/);
  });

  it('is an error while the emulator runs, too', async () => {
    const pica = await start();
    expect(() => (pica.latency = -1)).toThrow(RangeError);
    expect(() => (pica.integrations = -1)).toThrow(RangeError);
    expect(() => (pica.whiteLabel = 1 as never)).toThrow(TypeError);
    expect(await json(ask(pica))).toMatchObject({ total: 247 });
  });

  it('a port in use is an error that names it', async () => {
    const { port } = await start();
    await expect(start({ port })).rejects.toThrow(
      new RegExp(`port ${port} .*EADDRINUSE.*Pass another`),
    );
  });
});
