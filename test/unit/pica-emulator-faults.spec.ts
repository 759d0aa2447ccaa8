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

describe('a fault strikes', () => {
  it.each<[string, EmulatorFault, Ask[], number[]]>([
    ['everything', {}, [{}, flags, { path: '/x' }], [503, 503, 503]],
    ['a path', { path: '/v1/authkit' }, [{ page: 2 }, flags], [503, 200]],
    ['a pattern', { path: /users/g }, [{}, flags, flags], [200, 503, 503]],
    ['a method', { method: 'get' }, [{}, flags], [200, 503]],
    [
      'a page, of which the first is the default',
      { page: 1 },
      [{}, { page: 1 }, { page: 2 }, flags],
      [503, 503, 200, 200],
    ],
    [
      'an identity',
      { identity: 'ada' },
      [{ identity: 'ada' }, { identity: 'bob' }, {}, flags],
      [503, 200, 200, 200],
    ],
    [
      'what a function says',
      { when: ({ query, body }) => query.page === '3' && body !== undefined },
      [{ page: 2 }, { page: 3 }],
      [200, 503],
    ],
    [
      'what meets all conditions',
      { method: 'POST', page: 2, identity: 'ada' },
      [{ page: 2, identity: 'ada' }, { page: 2 }, { identity: 'ada' }],
      [503, 200, 200],
    ],
    ['so many times', { times: 2 }, [{}, {}, {}], [503, 503, 200]],
    ['after so many', { skip: 2 }, [{}, {}, {}, {}], [200, 200, 503, 503]],
    ['both', { skip: 1, times: 1 }, [{}, {}, {}], [200, 503, 200]],
    [
      'of matching requests only those that it counts',
      { page: 2, skip: 1, times: 1 },
      [{}, { page: 2 }, {}, { page: 2 }, { page: 2 }],
      [200, 200, 200, 503, 200],
    ],
  ])('%s', async (_name, condition, calls, expected) => {
    pica.fault({ ...condition, status: 503 });
    expect(await statuses(calls)).toEqual(expected);
  });

  it('before the key is checked, and where there is nothing', async () => {
    pica.fault({ path: '/gateway/v1', status: 200, body: { rows: [] } });
    const response = await ask({ path: '/gateway/v1', key: 'wrong' });
    expect(await response.json()).toEqual({ rows: [] });
  });

  it('unless one before it does', async () => {
    const first = pica.fault({ status: 500, times: 1 });
    const second = pica.fault({ status: 502 });
    expect(await statuses([{}, {}])).toEqual([500, 502]);
    expect([first.hits, second.hits]).toEqual([1, 1]);
  });

  it('until it is removed', async () => {
    const fault = pica.fault({ status: 500 });
    const other = pica.fault({ status: 429 });
    fault.remove();
    fault.remove();
    expect(await statuses([{}])).toEqual([429]);
    pica.clearFaults();
    expect(await statuses([{}])).toEqual([200]);
    expect([fault.hits, other.hits]).toEqual([0, 1]);
  });

  it('but no request that was on its way before reset()', async () => {
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

  it('as it was when it was made', async () => {
    const fault: EmulatorFault = { status: 500 };
    pica.fault(fault);
    fault.status = 502;
    expect(await statuses([{}])).toEqual([500]);
  });
});

describe('the answer of a fault', () => {
  it.each([400, 401, 402, 403, 404, 409, 418, 422, 429, 500, 502, 503, 504])(
    'with status %d is an error of the vendor’s',
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

  it('has the headers that are asked for, instead of its own', async () => {
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

  it('may be a redirect', async () => {
    const location = 'http://127.0.0.1:1/';
    pica.fault({ status: 302, headers: { location } });
    const response = await ask();
    expect(response.status).toBe(302);
    expect(response.headers.get('location')).toBe(location);
  });

  it.each([204, 304])('may have no body, by status %d', async (status) => {
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
  ])('may be %s', async (_name, body, expected) => {
    pica.fault({ body });
    const response = await ask();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.text()).toBe(expected);
  });

  it('may be anything by its headers', async () => {
    pica.fault({
      status: 500,
      headers: { 'content-type': 'text/html', 'content-encoding': 'gzip' },
      body: gzipSync('<h1>Oops</h1>'),
    });
    const response = await ask();
    expect(response.headers.get('content-type')).toBe('text/html');
    expect(await response.text()).toBe('<h1>Oops</h1>');
  });

  it('is the real one where only headers or a success are asked for', async () => {
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

  it('may be a transformed real one', async () => {
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

  it('is not transformed where it is an error', async () => {
    pica.fault({ transform: () => ({ rows: [] }) });
    expect(await statuses([{ key: 'wrong' }, {}])).toEqual([401, 200]);
  });

  it('comes late by its delay, on top of the latency', async () => {
    pica.latency = 30;
    pica.fault({ delay: 40, status: 503 });
    pica.fault({ delay: 40 });
    const began = performance.now();
    expect(await statuses([{}])).toEqual([503]);
    pica.latency = 0;
    expect(performance.now() - began).toBeGreaterThanOrEqual(68);
  });

  it('leaves others alone while it waits', async () => {
    pica.fault({ page: 2, delay: 300_000 });
    const client = new AbortController();
    ask({ page: 2, signal: client.signal }).catch(() => {});
    await until(() => pica.requests.length === 1);
    expect(await statuses([{}])).toEqual([200]);
    client.abort();
    await until(() => pica.requests[0]!.aborted);
  });
});

describe('a connection', () => {
  it('is reset', async () => {
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

  it('hangs until the client leaves, also when the fault is gone', async () => {
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
  ])('ends after %s', async (_name, cutOff, expected) => {
    pica.fault({ cutOff });
    const response = await open();
    expect(response.statusCode).toBe(200);
    const promised = Number(response.headers['content-length']);
    const received = await readWhatComes(response);
    expect(response.complete).toBe(false);
    expect(Buffer.byteLength(received)).toBe(expected(promised));
    expect(pica.requests[0]).toMatchObject({ status: 200, aborted: false });
  });

  it('ends in the middle of an answer of the test’s own', async () => {
    pica.fault({ cutOff: 3, status: 500, body: 'abcdef' });
    const response = await open();
    expect(response.statusCode).toBe(500);
    expect(await readWhatComes(response)).toBe('abc');
  });

  it('ends in the middle of an answer without a body', async () => {
    pica.fault({ cutOff: true, body: '' });
    const response = await open();
    expect(await readWhatComes(response)).toBe('');
    expect(response.complete).toBe(false);
  });
});

describe('a body', () => {
  it('is broken JSON, whole by its length', async () => {
    pica.fault({ malformed: true });
    const response = await ask();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    const body = await response.text();
    expect(body).toMatch(/^\{"rows":\[/);
    expect(() => JSON.parse(body)).toThrow(SyntaxError);
  });

  it('is broken JSON with status 200 even where the real answer is an error', async () => {
    pica.fault({ malformed: true });
    expect(await statuses([{ key: 'wrong' }])).toEqual([200]);
  });

  it('comes slowly, and whole', async () => {
    pica.fault({ body: 'abcdefghij', trickle: { bytes: 3, every: 15 } });
    const response = await open();
    const chunks: string[] = [];
    const began = performance.now();
    for await (const chunk of response) chunks.push(String(chunk));
    expect(chunks).toEqual(['abc', 'def', 'ghi', 'j']);
    expect(performance.now() - began).toBeGreaterThanOrEqual(40);
    expect(response.complete).toBe(true);
  });

  it('that comes slowly is the real one by default', async () => {
    pica.fault({ trickle: { bytes: 4000, every: 0 } });
    expect(await (await ask()).json()).toMatchObject({ total: 247 });
  });

  it('that comes slowly ends when the client leaves', async () => {
    pica.fault({ trickle: { bytes: 1, every: 5 } });
    const response = await open();
    response.destroy();
    await until(() => pica.requests[0]!.aborted);
    expect(pica.requests[0]?.status).toBe(200);
  });

  it('never ends', async () => {
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

  it('that never ends waits for the client', async () => {
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

describe('a function of the test that throws', () => {
  it.each<[string, EmulatorFault]>([
    ['when', { when: () => fail('no such page'), status: 503 }],
    ['transform', { transform: () => fail('no such page') }],
    [
      'a body that is no JSON',
      { body: { toJSON: () => fail('no such page') } },
    ],
  ])('%s is answered with 500, and told', async (_name, fault) => {
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
  });
});

function fail(message: string): never {
  throw new Error(message);
}

describe('bad faults', () => {
  it.each<[string, unknown, ErrorConstructor, RegExp]>([
    [
      'without an effect',
      { path: '/v1/authkit', times: 1 },
      TypeError,
      /no effect; expected at least one of status/,
    ],
    ['with nothing', {}, TypeError, /no effect/],
    [
      'that are no object',
      undefined,
      TypeError,
      /is undefined; expected an object/,
    ],
    [
      'with a field that does not exist',
      { statuss: 500 },
      TypeError,
      /no 'statuss'; expected any of .*status/,
    ],
    [
      'that reset and hang',
      { reset: true, hang: true },
      TypeError,
      /reset and hang, which contradict/,
    ],
    [
      'that reset with a status',
      { status: 500, reset: true },
      TypeError,
      /reset and status/,
    ],
    [
      'that hang with a body',
      { hang: true, body: {} },
      TypeError,
      /hang and body/,
    ],
    [
      'of two bodies',
      { body: {}, transform: () => 1 },
      TypeError,
      /body and transform/,
    ],
    [
      'malformed with a body',
      { malformed: true, body: {} },
      TypeError,
      /malformed and body/,
    ],
    [
      'endless and cut off',
      { endless: true, cutOff: true },
      TypeError,
      /endless and cutOff/,
    ],
    [
      'slow and cut off',
      { cutOff: 1, trickle: { bytes: 1, every: 1 } },
      TypeError,
      /cutOff and trickle/,
    ],
    [
      'that transform an error',
      { status: 500, transform: () => 1 },
      TypeError,
      /transform and the status 500/,
    ],
    [
      'with no status',
      { status: 99 },
      RangeError,
      /status is 99; expected a whole number from 100 to 599/,
    ],
    ['with a status too high', { status: 600 }, RangeError, /status is 600/],
    ['with a status as text', { status: '500' }, TypeError, /status is '500'/],
    [
      'with a negative delay',
      { delay: -1 },
      RangeError,
      /delay is -1; expected .* milliseconds/,
    ],
    [
      'zero times',
      { status: 500, times: 0 },
      RangeError,
      /times is 0; expected a whole number from 1/,
    ],
    ['that skip half', { status: 500, skip: 0.5 }, RangeError, /skip is 0\.5/],
    [
      'of page 0',
      { status: 500, page: 0 },
      RangeError,
      /page is 0.*first page is 1/,
    ],
    [
      'of a path with a query',
      { status: 500, path: '/v1/authkit?page=2' },
      RangeError,
      /path is '\/v1\/authkit\?page=2'.*Use page/,
    ],
    [
      'of a path without a slash',
      { status: 500, path: 'v1/authkit' },
      RangeError,
      /begins with \//,
    ],
    [
      'of a path that is a number',
      { status: 500, path: 1 },
      TypeError,
      /path is 1; expected a string or a RegExp/,
    ],
    [
      'of a list of methods',
      { status: 500, method: ['GET'] },
      TypeError,
      /method is \[ 'GET' \]; expected a string/,
    ],
    [
      'when no function says',
      { status: 500, when: true },
      TypeError,
      /when is true; expected a function/,
    ],
    [
      'that do not reset',
      { reset: false },
      TypeError,
      /reset is false; expected true/,
    ],
    ['cut off below zero', { cutOff: -1 }, RangeError, /cutOff is -1/],
    [
      'that trickle nothing',
      { trickle: { bytes: 0, every: 1 } },
      RangeError,
      /trickle\.bytes is 0/,
    ],
    [
      'that trickle without a time',
      { trickle: { bytes: 1 } },
      TypeError,
      /trickle\.every is undefined/,
    ],
    [
      'with a header of two lines',
      { headers: { 'x-a': 'b\r\nc' } },
      TypeError,
      /headers\['x-a'\]/,
    ],
    [
      'with a header of no name',
      { headers: { 'x a': 'b' } },
      TypeError,
      /headers\['x a'\]/,
    ],
  ])(
    '%s are refused, with what is wanted',
    async (_name, fault, Kind, message) => {
      expect(() => pica.fault(fault as never)).toThrow(Kind);
      expect(() => pica.fault(fault as never)).toThrow(message);
      expect(await statuses([{}])).toEqual([200]);
    },
  );
});

it('without a fault the whole answer comes', async () => {
  const response = await open();
  const length = Number(response.headers['content-length']);
  expect(Buffer.byteLength(await text(response))).toBe(length);
});
