import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { PicaEmulator, type EmulatorFault } from '../../lib/testing/index.js';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start();
});
afterEach(() => {
  jest.restoreAllMocks();
  pica.reset();
});
afterAll(() => pica.stop());

interface Ask {
  page?: number;
  path?: string;
  method?: string;
  identity?: string;
  key?: string;
  signal?: AbortSignal;
}

function ask({
  page,
  path = page === undefined ? '/v1/authkit' : `/v1/authkit?page=${page}`,
  method = 'POST',
  identity,
  key = pica.secretKey,
  signal,
}: Ask = {}): Promise<Response> {
  return fetch(`${pica.url}${path}`, {
    method,
    signal,
    redirect: 'manual',
    headers: { 'x-pica-secret': key },
    body: method === 'GET' ? undefined : JSON.stringify({ identity }),
  });
}

const flags = { path: '/v1/users/flags', method: 'GET' };

async function statuses(calls: readonly Ask[]): Promise<number[]> {
  const all: number[] = [];
  for (const call of calls) {
    const response = await ask(call);
    await response.arrayBuffer();
    all.push(response.status);
  }
  return all;
}

/** As `ask`, with Node's own client: it tells how a connection ended. */
function open(): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpRequest(`${pica.url}/v1/authkit`, {
      method: 'POST',
      agent: false,
      headers: { 'x-pica-secret': pica.secretKey },
    })
      .on('response', resolve)
      .on('error', reject)
      .end('{}');
  });
}

/** What arrives of a body until it breaks off. */
async function readWhatComes(response: IncomingMessage): Promise<string> {
  let received = '';
  try {
    for await (const chunk of response) received += String(chunk);
  } catch {
    // It broke off.
  }
  return received;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe('a fault hits', () => {
  it.each<[string, EmulatorFault, Ask[], number[]]>([
    [
      'every request without a condition',
      {},
      [{}, flags, { path: '/x' }],
      [503, 503, 503],
    ],
    ['a path alone', { path: '/v1/authkit' }, [{ page: 2 }, flags], [503, 200]],
    [
      'the paths that a pattern matches',
      { path: /users/g },
      [{}, flags, flags],
      [200, 503, 503],
    ],
    ['a method in any case', { method: 'get' }, [{}, flags], [200, 503]],
    [
      'a page, which is the first by default',
      { page: 1 },
      [{}, { page: 1 }, { page: 2 }, flags],
      [503, 503, 200, 200],
    ],
    [
      'an identity of a token call',
      { identity: 'ada' },
      [{ identity: 'ada' }, { identity: 'bob' }, {}, flags],
      [503, 200, 200, 200],
    ],
    [
      'the requests that a function selects',
      { when: ({ query, body }) => query.page === '3' && body !== undefined },
      [{ page: 2 }, { page: 3 }],
      [200, 503],
    ],
    [
      'the requests that meet all conditions',
      { method: 'POST', page: 2, identity: 'ada' },
      [{ page: 2, identity: 'ada' }, { page: 2 }, { identity: 'ada' }],
      [503, 200, 200],
    ],
    [
      'a number of requests, with times',
      { times: 2 },
      [{}, {}, {}],
      [503, 503, 200],
    ],
    [
      'the requests after a number, with skip',
      { skip: 2 },
      [{}, {}, {}, {}],
      [200, 200, 503, 503],
    ],
    [
      'a number of requests after a number, with times and skip',
      { skip: 1, times: 1 },
      [{}, {}, {}],
      [200, 503, 200],
    ],
    [
      'among matching requests alone those that times and skip leave',
      { page: 2, skip: 1, times: 1 },
      [{}, { page: 2 }, {}, { page: 2 }, { page: 2 }],
      [200, 200, 200, 503, 200],
    ],
  ])('%s', async (_name, condition, calls, expected) => {
    pica.fault({ ...condition, status: 503 });
    expect(await statuses(calls)).toEqual(expected);
  });

  it('a request with a wrong key or of a path that does not exist', async () => {
    pica.fault({ path: '/gateway/v1', status: 200, body: { rows: [] } });
    const response = await ask({ path: '/gateway/v1', key: 'wrong' });
    expect(await response.json()).toEqual({ rows: [] });
  });

  it('no request that an earlier fault hits', async () => {
    const first = pica.fault({ status: 500, times: 1 });
    const second = pica.fault({ status: 502 });
    expect(await statuses([{}, {}])).toEqual([500, 502]);
    expect([first.hits, second.hits]).toEqual([1, 1]);
  });

  it('no request once it is removed', async () => {
    const fault = pica.fault({ status: 500 });
    const other = pica.fault({ status: 429 });
    fault.remove();
    fault.remove();
    expect(await statuses([{}])).toEqual([429]);
    pica.clearFaults();
    expect(await statuses([{}])).toEqual([200]);
    expect([fault.hits, other.hits]).toEqual([0, 1]);
  });

  it('no request that was arriving when reset() was called', async () => {
    const socket = connect(pica.port, '127.0.0.1');
    socket.write(
      `POST /v1/authkit HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Pica-Secret: ${pica.secretKey}\r\nContent-Length: 2\r\n\r\n{`,
    );
    await until(() => pica.requests.length === 1);
    pica.reset();
    const fault = pica.fault({ status: 503 });
    socket.write('}');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /);
    expect(fault.hits).toBe(0);
    expect(pica.requests).toEqual([]);
  });

  it('with the fields that it had when it was added', async () => {
    const fault: EmulatorFault = { status: 500 };
    pica.fault(fault);
    fault.status = 502;
    expect(await statuses([{}])).toEqual([500]);
  });
});

describe('the response of a fault', () => {
  it.each([400, 401, 402, 403, 404, 409, 418, 422, 429, 500, 502, 503, 504])(
    'with status %d is an error of the vendor',
    async (status) => {
      pica.fault({ status });
      const response = await ask();
      expect(response.status).toBe(status);
      expect(response.headers.get('x-one-correlation-id')).toBeTruthy();
      expect(await response.json()).toMatchObject({
        status,
        type: expect.any(String),
        message: expect.stringMatching(/\w/),
      });
    },
  );

  it('has the given headers instead of its own', async () => {
    pica.fault({
      status: 429,
      headers: {
        'Retry-After': '30',
        'X-One-Correlation-Id': 'theirs',
        'set-cookie': ['a=1', 'b=2'],
      },
    });
    const { headers } = await ask();
    expect(headers.get('retry-after')).toBe('30');
    expect(headers.get('x-one-correlation-id')).toBe('theirs');
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  it('is a redirect with the status and the location of one', async () => {
    const location = 'http://127.0.0.1:1/';
    pica.fault({ status: 302, headers: { location } });
    const response = await ask();
    expect(response.status).toBe(302);
    expect(response.headers.get('location')).toBe(location);
  });

  it.each([204, 304])('has no body with status %d', async (status) => {
    pica.fault({ status });
    const response = await ask();
    expect(response.status).toBe(status);
    expect(await response.text()).toBe('');
    pica.clearFaults();
    expect(await statuses([{}])).toEqual([200]);
  });

  it.each<[string, unknown, string]>([
    ['an object', { a: [1] }, '{"a":[1]}'],
    ['null', null, 'null'],
    ['a number', 7, '7'],
    ['a text as it is', '{"__proto__": {"x": 1}}', '{"__proto__": {"x": 1}}'],
    ['an empty text', '', ''],
    ['bytes as they are', Buffer.from('über'), 'über'],
  ])('has as its body %s', async (_name, body, expected) => {
    pica.fault({ body });
    const response = await ask();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.text()).toBe(expected);
  });

  it('has the content type and encoding of the given headers', async () => {
    pica.fault({
      status: 500,
      headers: { 'content-type': 'text/html', 'content-encoding': 'gzip' },
      body: gzipSync('<h1>Oops</h1>'),
    });
    const response = await ask();
    expect(response.headers.get('content-type')).toBe('text/html');
    expect(await response.text()).toBe('<h1>Oops</h1>');
  });

  it('is the real one if the fault has only headers or a successful status', async () => {
    const real: unknown = await (await ask()).json();
    for (const fault of [{ status: 200 }, { headers: { 'x-odd': '1' } }]) {
      pica.reset();
      pica.fault(fault);
      const response = await ask();
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual(real);
    }
    pica.fault({ status: 201 });
    expect(await statuses([{}])).toEqual([200]);
    pica.clearFaults();
    pica.fault({ status: 201 });
    expect(await statuses([{}, { key: 'wrong' }])).toEqual([201, 401]);
  });

  it('is the real one as transform changes it', async () => {
    pica.fault({
      page: 1,
      transform: (answer) => ({ ...answer, pages: 1e9, extra: null }),
    });
    pica.fault({
      page: 2,
      transform: (answer) => {
        answer.rows[0].title = 'changed in place';
      },
    });
    expect(await (await ask()).json()).toMatchObject({
      rows: pica.rows.slice(0, 20),
      pages: 1e9,
      extra: null,
    });
    const second = await (await ask({ page: 2 })).json();
    expect(second).toMatchObject({ page: 2, total: 247 });
    expect(second).toHaveProperty('rows.0.title', 'changed in place');
    expect(pica.rows[20]?.title).not.toBe('changed in place');
  });

  it('is not transformed if it is an error', async () => {
    pica.fault({ transform: () => ({ rows: [] }) });
    expect(await statuses([{ key: 'wrong' }, {}])).toEqual([401, 200]);
  });

  it('is delayed by delay in addition to the latency', async () => {
    pica.latency = 30;
    pica.fault({ delay: 40, status: 503 });
    pica.fault({ delay: 40 });
    const began = performance.now();
    expect(await statuses([{}])).toEqual([503]);
    pica.latency = 0;
    expect(performance.now() - began).toBeGreaterThanOrEqual(68);
  });

  it('delays no other request', async () => {
    pica.fault({ page: 2, delay: 300_000 });
    const client = new AbortController();
    ask({ page: 2, signal: client.signal }).catch(() => {});
    await until(() => pica.requests.length === 1);
    expect(await statuses([{}])).toEqual([200]);
    client.abort();
    await until(() => pica.requests[0]!.aborted);
  });
});

describe('a network connection', () => {
  it('is reset by reset', async () => {
    pica.fault({ reset: true });
    await expect(open()).rejects.toMatchObject({
      code: 'ECONNRESET',
      syscall: 'read',
    });
    expect(pica.requests[0]).toMatchObject({
      status: undefined,
      aborted: false,
    });
  });

  it('is reset after a delay', async () => {
    pica.fault({ reset: true, delay: 40 });
    const began = performance.now();
    await expect(open()).rejects.toThrow('ECONNRESET');
    expect(performance.now() - began).toBeGreaterThanOrEqual(38);
  });

  it('hangs until the client leaves, even after the fault is removed', async () => {
    const fault = pica.fault({ hang: true });
    const answer = ask({ signal: AbortSignal.timeout(60) });
    await until(() => fault.hits === 1);
    pica.clearFaults();
    expect(await statuses([{}])).toEqual([200]);
    await expect(answer).rejects.toThrow(/timeout/);
    await until(() => pica.requests[0]!.aborted);
  });

  it.each<[string, true | number, (length: number) => number]>([
    ['half of the body', true, (length) => Math.floor(length / 2)],
    ['so many bytes', 5, () => 5],
    ['nothing', 0, () => 0],
    ['all but a byte, at most', 1e9, (length) => length - 1],
  ])('is truncated after %s', async (_name, cutOff, expected) => {
    pica.fault({ cutOff });
    const response = await open();
    expect(response.statusCode).toBe(200);
    const promised = Number(response.headers['content-length']);
    const received = await readWhatComes(response);
    expect(response.complete).toBe(false);
    expect(Buffer.byteLength(received)).toBe(expected(promised));
    expect(pica.requests[0]).toMatchObject({ status: 200, aborted: false });
  });

  it('is truncated in a given body', async () => {
    pica.fault({ cutOff: 3, status: 500, body: 'abcdef' });
    const response = await open();
    expect(response.statusCode).toBe(500);
    expect(await readWhatComes(response)).toBe('abc');
  });

  it('is truncated without a body', async () => {
    pica.fault({ cutOff: true, body: '' });
    const response = await open();
    expect(await readWhatComes(response)).toBe('');
    expect(response.complete).toBe(false);
  });
});

describe('a body', () => {
  it('is broken JSON with a content length that fits it', async () => {
    pica.fault({ malformed: true });
    const response = await ask();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    const body = await response.text();
    expect(body).toMatch(/^\{"rows":\[/);
    expect(() => JSON.parse(body)).toThrow(SyntaxError);
  });

  it('is broken JSON with status 200 even if the real response is an error', async () => {
    pica.fault({ malformed: true });
    expect(await statuses([{ key: 'wrong' }])).toEqual([200]);
  });

  it('is sent slowly and completely by trickle', async () => {
    pica.fault({ body: 'abcdefghij', trickle: { bytes: 3, every: 15 } });
    const response = await open();
    const chunks: string[] = [];
    const began = performance.now();
    for await (const chunk of response) chunks.push(String(chunk));
    expect(chunks).toEqual(['abc', 'def', 'ghi', 'j']);
    // Timers may fire a millisecond early.
    expect(performance.now() - began).toBeGreaterThanOrEqual(30);
    expect(response.complete).toBe(true);
  });

  it('that is sent slowly is the real one by default', async () => {
    pica.fault({ trickle: { bytes: 4000, every: 0 } });
    expect(await (await ask()).json()).toMatchObject({ total: 247 });
  });

  it('that is sent slowly ends when the client leaves', async () => {
    pica.fault({ trickle: { bytes: 1, every: 5 } });
    const response = await open();
    response.destroy();
    await until(() => pica.requests[0]!.aborted);
    expect(pica.requests[0]?.status).toBe(200);
  });

  it('never ends with endless', async () => {
    pica.fault({ endless: true });
    const response = await open();
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('application/json');
    let received = 0;
    let head = '';
    for await (const chunk of response) {
      head ||= String(chunk);
      received += chunk.length;
      if (received > 20e6) break;
    }
    expect(head).toMatch(/^\{"rows":\[\{/);
    await until(() => pica.requests[0]!.aborted);
  });

  it('that never ends is created no faster than the client reads', async () => {
    pica.fault({ endless: true });
    const socket = connect(pica.port, '127.0.0.1').pause();
    socket.write('GET /v1/none HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => pica.requests[0]?.status === 200);
    const memory = () => {
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = memory();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(memory() - before).toBeLessThan(20e6);
    socket.destroy();
    await until(() => pica.requests[0]!.aborted);
  });
});

describe('a callback that throws', () => {
  it.each<[string, EmulatorFault]>([
    ['when', { when: () => fail('no such page'), status: 503 }],
    ['transform', { transform: () => fail('no such page') }],
    [
      'a body that is no JSON',
      { body: { toJSON: () => fail('no such page') } },
    ],
  ])(
    'is a response with status 500 and a process warning: %s',
    async (_name, fault) => {
      const warned = jest
        .spyOn(process, 'emitWarning')
        .mockImplementation(() => {});
      pica.fault(fault);
      const response = await ask();
      expect(response.status).toBe(500);
      expect(await response.text()).toContain('no such page');
      expect(warned.mock.calls[0]?.[0]).toContain('no such page');
      pica.reset();
      expect(await statuses([{}])).toEqual([200]);
    },
  );
});

function fail(message: string): never {
  throw new Error(message);
}

describe('an invalid fault', () => {
  it.each<[string, unknown, ErrorConstructor, RegExp]>([
    [
      'without an effect',
      { path: '/v1/authkit', times: 1 },
      TypeError,
      /no effect; expected at least one of status/,
    ],
    ['without a field', {}, TypeError, /no effect/],
    [
      'that is no object',
      undefined,
      TypeError,
      /given nothing; expected an object/,
    ],
    [
      'with a field that does not exist',
      { statuss: 500 },
      TypeError,
      /statuss: there is no such option; expected one of .*status/,
    ],
    [
      'with reset and hang',
      { reset: true, hang: true },
      TypeError,
      /reset and hang, which contradict/,
    ],
    [
      'with reset and a status',
      { status: 500, reset: true },
      TypeError,
      /reset and status/,
    ],
    [
      'with hang and a body',
      { hang: true, body: {} },
      TypeError,
      /hang and body/,
    ],
    [
      'with body and transform',
      { body: {}, transform: () => 1 },
      TypeError,
      /body and transform/,
    ],
    [
      'with malformed and a body',
      { malformed: true, body: {} },
      TypeError,
      /malformed and body/,
    ],
    [
      'with endless and cutOff',
      { endless: true, cutOff: true },
      TypeError,
      /endless and cutOff/,
    ],
    [
      'with trickle and cutOff',
      { cutOff: 1, trickle: { bytes: 1, every: 1 } },
      TypeError,
      /cutOff and trickle/,
    ],
    [
      'with transform and the status of an error',
      { status: 500, transform: () => 1 },
      TypeError,
      /transform and the status 500/,
    ],
    [
      'with a status too low',
      { status: 99 },
      RangeError,
      /status: given 99; expected a whole number from 100 to 599/,
    ],
    [
      'with a status too high',
      { status: 600 },
      RangeError,
      /status: given 600/,
    ],
    [
      'with a status as text',
      { status: '500' },
      TypeError,
      /status: given '500'/,
    ],
    [
      'with a negative delay',
      { delay: -1 },
      RangeError,
      /delay: given -1; expected .* milliseconds/,
    ],
    [
      'with zero times',
      { status: 500, times: 0 },
      RangeError,
      /times: given 0; expected a whole number from 1/,
    ],
    [
      'with half a skip',
      { status: 500, skip: 0.5 },
      RangeError,
      /skip: given 0\.5/,
    ],
    [
      'with page 0',
      { status: 500, page: 0 },
      RangeError,
      /page: given 0; expected a whole number from 1, the first page/,
    ],
    [
      'with a path that has a query',
      { status: 500, path: '/v1/authkit?page=2' },
      TypeError,
      /path: given '\/v1\/authkit\?page=2'.*use page/,
    ],
    [
      'with a path without a slash',
      { status: 500, path: 'v1/authkit' },
      TypeError,
      /begins with \//,
    ],
    [
      'with a path that is a number',
      { status: 500, path: 1 },
      TypeError,
      /path: given 1; expected a RegExp, or a path/,
    ],
    [
      'with a list of methods',
      { status: 500, method: ['GET'] },
      TypeError,
      /method: given \[ 'GET' \]; expected a string/,
    ],
    [
      'with a when that is no function',
      { status: 500, when: true },
      TypeError,
      /when: given true; expected a function/,
    ],
    [
      'with reset set to false',
      { reset: false },
      TypeError,
      /reset: given false; expected true/,
    ],
    ['with a negative cutOff', { cutOff: -1 }, RangeError, /cutOff: given -1/],
    [
      'with a trickle of no bytes',
      { trickle: { bytes: 0, every: 1 } },
      RangeError,
      /trickle\.bytes: given 0/,
    ],
    [
      'with a trickle without a time',
      { trickle: { bytes: 1 } },
      TypeError,
      /trickle\.every: given undefined/,
    ],
    [
      'with a header value of two lines',
      { headers: { 'x-a': 'b\r\nc' } },
      TypeError,
      /headers: given \{ 'x-a'/,
    ],
    [
      'with a header name that HTTP does not allow',
      { headers: { 'x a': 'b' } },
      TypeError,
      /headers: given \{ 'x a'/,
    ],
  ])(
    '%s is an error with the given value and the expected one',
    async (_name, fault, Kind, message) => {
      expect(() => pica.fault(fault as never)).toThrow(Kind);
      expect(() => pica.fault(fault as never)).toThrow(message);
      expect(await statuses([{}])).toEqual([200]);
    },
  );
});

it('the response is complete without a fault', async () => {
  const response = await open();
  const length = Number(response.headers['content-length']);
  expect(Buffer.byteLength(await text(response))).toBe(length);
});
