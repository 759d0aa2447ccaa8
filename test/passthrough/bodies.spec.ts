import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { AuthKitPassthroughService } from '../../lib/index.js';
import { createApp, reasonOf } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { captureOutput } from '../support/mocks.js';
import {
  ACTION,
  ADA,
  createPassthrough,
  GMAIL,
  startRawPica,
} from '../support/passthrough.js';
import { until } from '../support/until.js';

const GET = { action: ACTION };
const POST = { action: ACTION, method: 'POST' };

/** Fails the test if the process meets an error that nobody handles, or a warning. */
const unhandled: unknown[] = [];
const record = (error: unknown) => void unhandled.push(error);
const EVENTS = ['unhandledRejection', 'uncaughtException', 'warning'] as const;
beforeAll(() => {
  for (const event of EVENTS) process.on(event as 'warning', record);
});
afterAll(() => {
  for (const event of EVENTS) process.off(event as 'warning', record);
});
afterEach(async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  const [error] = unhandled.splice(0);
  if (error) throw error;
});

describe('the body of a response', () => {
  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('that is compressed by %s arrives decoded', async (encoding, compress) => {
    const text = 'labels '.repeat(1_000);
    const pica = await startRawPica((_, response) => {
      const body = compress(text);
      response.setHeader('content-encoding', encoding);
      response.setHeader('content-length', body.length);
      response.end(body);
    });
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, 'x', GET);
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(response.headers.get('content-length')).toBeNull();
    expect(await response.text()).toBe(text);
  });

  it('keeps its length if it is not compressed', async () => {
    const pica = await startRawPica((_, response) => {
      response.setHeader('content-length', 5);
      response.end('hello');
    });
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, 'x', GET);
    expect(response.headers.get('content-length')).toBe('5');
  });

  it('that is broken gzip fails, and ends no process', async () => {
    const pica = await startRawPica((_, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end('not gzip');
    });
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, 'x', GET);
    expect(await reasonOf(response.text())).toBe('malformed');
  });

  it.each([204, 205, 304])('is null for a %i', async (status) => {
    const pica = await startRawPica((_, response) => {
      response.writeHead(status);
      response.end(status === 205 ? 'x'.repeat(100_000) : undefined);
    });
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, 'x', GET);
    expect([response.status, response.body]).toEqual([status, null]);
  });

  it('is null for HEAD, whose headers are there', async () => {
    const pica = await startRawPica((request, response) => {
      response.setHeader('x-method', request.method!);
      response.setHeader('content-length', 7);
      response.end();
    });
    const service = await createPassthrough(pica);
    const head = { ...GET, method: 'HEAD' };
    const { headers, body } = await service.fetch(ADA, GMAIL, 'x', head);
    expect([headers.get('x-method'), headers.get('content-length')]).toEqual([
      'HEAD',
      '7',
    ]);
    expect(body).toBeNull();
  });

  it('does not bring trailers, or headers that belong to the connection', async () => {
    const pica = await startRawPica((_, response) => {
      response.writeHead(200, {
        connection: 'x-hop',
        'x-hop': '1',
        trailer: 'x-trailer',
        'x-fine': '1',
      });
      response.write('a');
      response.addTrailers({ 'x-trailer': '1' });
      response.end('b');
    });
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, 'x', GET);
    expect(await response.text()).toBe('ab');
    const names = [...response.headers.keys()];
    expect(names).toContain('x-fine');
    for (const name of ['connection', 'x-hop', 'trailer', 'x-trailer']) {
      expect(names).not.toContain(name);
    }
  });

  it('of a status beyond 599 fails the call as `malformed`', async () => {
    captureOutput();
    const pica = await startRawPica((_, response) => {
      response.socket!.end(
        'HTTP/1.1 700 odd\x01reason\r\ncontent-length: 1\r\n\r\nx',
      );
    });
    const service = await createPassthrough(pica);
    const call = service.fetch(ADA, GMAIL, 'x', { ...GET, retries: 0 });
    expect(await reasonOf(call)).toBe('malformed');
  });

  it('that stalls fails after `timeout`, and its connection is closed', async () => {
    let isClosed = false;
    const pica = await startRawPica((_, response) => {
      response.on('close', () => (isClosed = true));
      response.write('beginning');
    });
    const service = await createPassthrough(pica);
    const init = { ...GET, timeout: 1_500 };
    const response = await service.fetch(ADA, GMAIL, 'x', init);
    expect(await reasonOf(response.text())).toBe('timed_out');
    await until(() => isClosed);
    expect(isClosed).toBe(true);
  });

  it('that nobody reads ends after `timeout`', async () => {
    let isClosed = false;
    const pica = await startRawPica((_, response) => {
      response.on('close', () => (isClosed = true));
      response.write('beginning');
    });
    const service = await createPassthrough(pica);
    const init = { ...GET, timeout: 1_500 };
    const response = await service.fetch(ADA, GMAIL, 'x', init);
    await until(() => isClosed);
    expect(isClosed).toBe(true);
    expect(await reasonOf(response.text())).toBe('timed_out');
  });

  it('that nobody reads ends when the app closes', async () => {
    let isClosed = false;
    const pica = await startRawPica((_, response) => {
      response.on('close', () => (isClosed = true));
      response.write('beginning');
    });
    // The module closes its own agents, and not those of the app.
    const httpAgent = new Agent({ keepAlive: true });
    afterTest(() => httpAgent.destroy());
    const app = await createApp({ pica, options: { http: { httpAgent } } });
    const service = app.get(AuthKitPassthroughService);
    const response = await service.fetch(ADA, GMAIL, 'x', GET);
    await app.close();
    await until(() => isClosed);
    expect(isClosed).toBe(true);
    expect(await reasonOf(response.text())).toBe('unavailable');
  });

  it('that breaks unread ends no process, and fails when it is read', async () => {
    let isClosed = false;
    const pica = await startRawPica((_, response) => {
      response.setHeader('content-length', 100);
      response.write('beginning');
      setTimeout(() => response.destroy(), 20);
      response.on('close', () => (isClosed = true));
    });
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, 'x', GET);
    await until(() => isClosed);
    expect(isClosed).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await reasonOf(response.text())).toBe('unavailable');
  });

  it('that its consumer cancels is closed upstream', async () => {
    let isClosed = false;
    const pica = await startRawPica((_, response) => {
      response.on('close', () => (isClosed = true));
      const chunk = Buffer.alloc(64 * 1024);
      const write = () => {
        while (response.write(chunk));
      };
      response.on('drain', write);
      write();
    });
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, 'x', GET);
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await until(() => isClosed);
    expect(isClosed).toBe(true);
  });

  it("ends as `cancelled` on the caller's signal", async () => {
    let isClosed = false;
    const pica = await startRawPica((_, response) => {
      response.on('close', () => (isClosed = true));
      response.write('beginning');
    });
    const service = await createPassthrough(pica);
    const caller = new AbortController();
    const init = { ...GET, signal: caller.signal };
    const response = await service.fetch(ADA, GMAIL, 'x', init);
    const text = response.text();
    caller.abort();
    expect(await reasonOf(text)).toBe('cancelled');
    await until(() => isClosed);
    expect(isClosed).toBe(true);
  });

  it('is read as fast as its consumer reads it', async () => {
    let sent = 0;
    const chunk = randomBytes(64 * 1024);
    const pica = await startRawPica((_, response) => {
      const write = () => {
        while (sent < 30 * 2 ** 20) {
          sent += chunk.length;
          if (!response.write(chunk)) return;
        }
        response.end();
      };
      response.on('drain', write);
      write();
    });
    const service = await createPassthrough(pica);
    const response = await service.fetch(ADA, GMAIL, 'x', GET);
    const reader = response.body!.getReader();
    await reader.read();
    // What the sockets and streams between hold, and no more.
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(sent).toBeLessThan(15 * 2 ** 20);
    let size = chunk.length;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
    }
    expect(size).toBeGreaterThanOrEqual(29 * 2 ** 20);
  });

  it('leaves the slot of its call: 256 of them stop no token, and a 257th is refused', async () => {
    captureOutput();
    const pica = await startRawPica((_, response) => {
      response.write('beginning');
    });
    const app = await createApp({ pica });
    const service = app.get(AuthKitPassthroughService);
    const responses: Response[] = [];
    for (let round = 0; round < 4; round += 1) {
      const calls = Array.from({ length: 64 }, () =>
        service.fetch(ADA, GMAIL, 'x', GET),
      );
      responses.push(...(await Promise.all(calls)));
    }
    const refused = service.fetch(ADA, GMAIL, 'x', GET);
    await expect(refused).rejects.toMatchObject({
      reason: 'rate_limited',
      retryAfter: 1,
    });
    // A call of another kind needs a connection too.
    const { id } = pica.connection;
    expect(await reasonOf(service.actions('gmail'))).not.toBe('timed_out');
    expect(id).toBeDefined();
    await responses[0]!.body!.cancel();
    expect((await service.fetch(ADA, GMAIL, 'x', GET)).status).toBe(200);
  });
});

describe('the body of a request', () => {
  it('of 30 MB arrives whole', async () => {
    const hash = createHash('sha256');
    let size = 0;
    const pica = await startRawPica((request, response) => {
      const received = createHash('sha256');
      request.on('data', (chunk: Buffer) => received.update(chunk));
      request.on('end', () => response.end(received.digest('hex')));
    });
    const service = await createPassthrough(pica);
    const body = Readable.from(
      (async function* () {
        const chunk = randomBytes(64 * 1024);
        for (; size < 30 * 2 ** 20; size += chunk.length) {
          hash.update(chunk);
          yield chunk;
        }
      })(),
    );
    const response = await service.fetch(ADA, GMAIL, 'x', { ...POST, body });
    expect(await response.text()).toBe(hash.digest('hex'));
  });

  it.each([
    ['before it is sent', () => createReadStream('/does/not/exist')],
    [
      'while it is sent',
      () =>
        Readable.from(
          (async function* () {
            yield Buffer.from('beginning');
            throw new Error('the source has failed');
          })(),
        ),
    ],
    [
      'as a web stream',
      () =>
        new ReadableStream({
          start: (controller) => controller.error(new Error('failed')),
        }),
    ],
    ['with chunks of another kind', () => Readable.from([{ a: 1 }])],
  ])('that fails %s fails the call', async (_, create) => {
    captureOutput();
    const pica = await startRawPica((request, response) => {
      request.resume();
      request.on('end', () => response.end('whole'));
    });
    const service = await createPassthrough(pica);
    const init = { ...POST, body: create(), timeout: 5_000 };
    const call = service.fetch(ADA, GMAIL, 'x', init);
    expect(await reasonOf(call)).toBe('unavailable');
  });

  it('that was read already is refused', async () => {
    const pica = await startRawPica((_, response) => void response.end());
    const service = await createPassthrough(pica);
    const body = new Blob(['a']).stream();
    await body.cancel();
    body.getReader();
    const call = service.fetch(ADA, GMAIL, 'x', { ...POST, body });
    expect(await reasonOf(call)).toBe('invalid_argument');
  });

  it('is destroyed if the call fails before it is sent', async () => {
    const pica = await startRawPica((_, response) => void response.end());
    const service = await createPassthrough(pica);
    const body = Readable.from([Buffer.from('a')]);
    const call = service.fetch(ADA, { platform: 'slack' }, 'x', {
      ...POST,
      body,
    });
    expect(await reasonOf(call)).not.toBe('none');
    if (!body.closed) await once(body, 'close');
    expect(body.destroyed).toBe(true);
  });

  it.each([
    ['once, although its kept-alive connection was reset', undefined, 1],
    ['again with `retries`', 1, 2],
  ])('is sent %s', async (_, retries, expected) => {
    captureOutput();
    let count = 0;
    const pica = await startRawPica((request, response) => {
      if (request.method === 'GET') return void response.end();
      count += 1;
      request.socket.destroy();
    });
    const service = await createPassthrough(pica);
    await (await service.fetch(ADA, GMAIL, 'x', GET)).text();
    const init = { ...POST, body: 'a', retries };
    const call = service.fetch(ADA, GMAIL, 'x', init);
    expect(await reasonOf(call)).toBe('unavailable');
    expect(count).toBe(expected);
  });
});
