import { Agent, get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { createTokenService, reasonOf } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { startServer } from '../support/server.js';

const pica = useEmulator({ integrations: 20 });
const ADA = { identity: 'ada' };

/**
 * Starts a server before the emulator. Instead of forwarding a request, it may
 * close its connection.
 *
 * @param closes whether to close it, by the number of the request on its connection, from 1
 */
async function startRelay(closes: (nth: number, socket: Socket) => boolean) {
  const counts = new WeakMap<Socket, number>();
  const sockets = new Set<Socket>();
  const closed: string[] = [];
  const url = await startServer(async (request, response) => {
    const { socket, method, headers } = request;
    sockets.add(socket);
    const nth = (counts.get(socket) ?? 0) + 1;
    counts.set(socket, nth);
    if (closes(nth, socket)) {
      closed.push(`${method} ${request.url}`);
      return void socket.destroy();
    }
    const body = method === 'GET' ? undefined : await readText(request);
    const upstream = await fetch(pica.url + request.url, {
      method,
      headers: {
        'content-type': 'application/json',
        'x-pica-secret': String(headers['x-pica-secret']),
      },
      body,
    });
    response.writeHead(upstream.status, { 'content-type': 'application/json' });
    response.end(await upstream.text());
  });
  return { url, sockets, closed };
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

const upstream = (url: string) => ({
  url,
  secretKey: pica.secretKey,
  vendor: pica.vendor,
});

it('30 tokens one after another succeed without `retries` when the server closes every connection at its second request', async () => {
  const { url, closed } = await startRelay((nth) => nth === 2);
  const tokens = await createTokenService(upstream(url), { retries: 0 });
  for (let index = 0; index < 30; index += 1) {
    expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
  }
  expect(closed.length).toBeGreaterThan(10);
});

it('a token succeeds without `retries` when all of 30 idle connections are dead', async () => {
  const dead = new Set<Socket>();
  const { url, sockets, closed } = await startRelay((_nth, socket) =>
    dead.has(socket),
  );
  const tokens = await createTokenService(upstream(url), { retries: 0 });
  pica.latency = 100;
  await Promise.all(Array.from({ length: 30 }, () => tokens.create(ADA)));
  pica.latency = 0;
  expect(sockets.size).toBeGreaterThanOrEqual(30);
  for (const socket of sockets) dead.add(socket);
  expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
  expect(closed).toHaveLength(1);
});

it('a new connection that is closed is no stale one, and not replaced', async () => {
  const { url, closed } = await startRelay(() => true);
  const tokens = await createTokenService(upstream(url), {
    retries: 0,
  });
  expect(await reasonOf(tokens.create(ADA))).toBe('unavailable');
  expect(closed.filter((call) => call.startsWith('POST'))).toHaveLength(1);
});

it('a call replaces a stale connection once, and after that `retries` count', async () => {
  let isDead = false;
  const { url, closed } = await startRelay(() => isDead);
  const tokens = await createTokenService(upstream(url), { retries: 0 });
  await tokens.create(ADA);
  isDead = true;
  expect(await reasonOf(tokens.create(ADA))).toBe('unavailable');
  expect(closed).toHaveLength(2);
});

it("stale connections are closed in the app's own agent, and its connections to other servers stay", async () => {
  const httpAgent = new Agent({ keepAlive: true });
  afterTest(() => httpAgent.destroy());
  const other = await startServer((_, response) => response.end('other'));
  const request = () =>
    new Promise<boolean>((resolve, reject) => {
      const call = get(other, { agent: httpAgent }, (response) => {
        response.resume().once('end', () => resolve(call.reusedSocket));
      }).once('error', reject);
    });
  await request();

  let isDead = false;
  const { url } = await startRelay((nth) => isDead && nth > 1);
  const tokens = await createTokenService(upstream(url), {
    retries: 0,
    http: { httpAgent },
  });
  await tokens.create(ADA);
  isDead = true;
  expect((await tokens.create(ADA)).rows).toEqual(pica.rows);
  expect(await request()).toBe(true);
});
