import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterTest } from './cleanup.js';
import { CERTIFICATE, CERTIFICATE_KEY } from './certificate.js';

/** What a proxy does with a request for a tunnel. */
export type TunnelBehavior = 'open' | 'hang' | 'reset' | { status: number };

/** A proxy that stores all that it reads. */
export interface LoggingProxy {
  readonly url: string;
  readonly port: number;
  /** The hosts and ports for which tunnels were requested, in order. */
  readonly tunnels: string[];
  /** The `Proxy-Authorization` headers. */
  readonly credentials: (string | undefined)[];
  /** The URLs of requests that are for no tunnel. */
  readonly forwarded: string[];
  /** The number of connections that are open. */
  readonly openConnections: () => number;
  /** Every byte that clients have sent. */
  readonly received: () => string;
  /** Closes all connections, as a proxy does with idle ones. */
  readonly closeConnections: () => void;
  /** What becomes of the next requests for a tunnel. */
  behavior: TunnelBehavior;
}

/** Starts a proxy that leads to one port of this machine, whatever host is requested. It stops after the current test. */
export async function startProxy(upstreamPort: number): Promise<LoggingProxy> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, response) => {
    proxy.forwarded.push(incoming.url ?? '');
    const { method, headers } = incoming;
    const { pathname, search } = new URL(
      incoming.url ?? '',
      'http://pica.test',
    );
    incoming.pipe(
      httpRequest(
        {
          host: '127.0.0.1',
          port: upstreamPort,
          path: pathname + search,
          ...{ method, headers },
        },
        (forwarded) => {
          response.writeHead(forwarded.statusCode!, forwarded.headers);
          forwarded.pipe(response);
        },
      ),
    );
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    proxy.tunnels.push(request.url ?? '');
    proxy.credentials.push(request.headers['proxy-authorization']);
    const { behavior } = proxy;
    if (behavior === 'hang') {
      // Sockets of an HTTP server stay half open.
      return void client.once('end', () => client.end()).resume();
    }
    if (behavior === 'reset') return client.resetAndDestroy();
    if (typeof behavior === 'object') {
      return client.end(`HTTP/1.1 ${behavior.status} No\r\n\r\n`);
    }
    const upstream = connect(upstreamPort, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on('error', () => client.destroy());
    client.once('close', () => upstream.destroy());
  });
  await listen(server, sockets);
  const { port } = server.address() as AddressInfo;
  const proxy: LoggingProxy = {
    url: `http://127.0.0.1:${port}`,
    port,
    tunnels: [],
    credentials: [],
    forwarded: [],
    openConnections: () => sockets.size,
    received: () => Buffer.concat(chunks).toString('latin1'),
    closeConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
    behavior: 'open',
  };
  return proxy;
}

/** Starts a TLS server with the certificate of `pica.test` in front of an HTTP server, and returns its port. It stops after the current test. */
export async function startTls(httpPort: number): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createTlsServer(
    { cert: CERTIFICATE, key: CERTIFICATE_KEY },
    (client) => {
      const upstream = connect(httpPort, '127.0.0.1');
      upstream.on('error', () => client.destroy());
      client.on('error', () => upstream.destroy());
      client.pipe(upstream).pipe(client);
    },
  );
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  await listen(server, sockets);
  return (server.address() as AddressInfo).port;
}

async function listen(
  server: ReturnType<typeof createServer> | ReturnType<typeof createTlsServer>,
  sockets: ReadonlySet<Socket>,
): Promise<void> {
  await new Promise<void>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve()),
  );
  afterTest(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
}
