import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { errorResponse } from './emulator-response.js';
import { Exchange } from './exchange.js';

/** An HTTP server on 127.0.0.1 that stops at once and keeps no process alive. */
export class EmulatorServer {
  // Idle connections stay open: a client that reuses one just as it is closed would fail at random.
  private readonly server = createServer({ keepAliveTimeout: 0 });
  private readonly sockets = new Set<Socket>();
  private readonly exchanges = new Set<Exchange>();
  private boundPort = 0;
  private stopped?: Promise<void>;

  /**
   * @param nextCorrelationId returns the correlation id of a request
   * @param handle responds to a request; it throws what a callback of the test throws
   */
  constructor(
    private readonly nextCorrelationId: () => string,
    private readonly handle: (exchange: Exchange) => Promise<void>,
  ) {
    this.server.on('connection', (socket: Socket) => {
      socket.unref();
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    this.server.on('request', (incoming, response) => {
      void this.serve(incoming, response);
    });
  }

  /** @throws {Error} if the port cannot be used */
  async listen(port: number): Promise<void> {
    this.server.listen(port, '127.0.0.1');
    try {
      await once(this.server, 'listening');
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new Error(
        `PicaEmulator: port ${port} of 127.0.0.1 cannot be used (${code}). Pass another one, or 0 for a free port.`,
        { cause },
      );
    }
    this.server.unref();
    this.boundPort = (this.server.address() as AddressInfo).port;
  }

  /** The port, also after the server has stopped. */
  get port(): number {
    return this.boundPort;
  }

  get openConnections(): number {
    return this.sockets.size;
  }

  stop(): Promise<void> {
    this.stopped ??= new Promise((resolve) => {
      this.server.close(() => resolve());
      for (const exchange of this.exchanges) exchange.destroy();
      for (const socket of this.sockets) socket.destroy();
    });
    return this.stopped;
  }

  private async serve(
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const exchange = new Exchange(incoming, response, this.nextCorrelationId());
    this.exchanges.add(exchange);
    response.once('close', () => this.exchanges.delete(exchange));
    try {
      await this.handle(exchange);
    } catch (error) {
      // A wait that ends because the client has closed the connection throws too.
      if (!exchange.isClosed) await reportCallbackError(error, exchange);
    }
  }
}

/** Reports an error of `when`, `transform`, `requestId` or a platform's handler as a warning too: the response alone is easy to miss. */
async function reportCallbackError(
  error: unknown,
  exchange: Exchange,
): Promise<void> {
  const { path } = exchange.request;
  const message = `PicaEmulator: a callback of the test threw on ${path}: ${String(error)}`;
  process.emitWarning(message, {
    detail: error instanceof Error ? error.stack : undefined,
  });
  await exchange.send(errorResponse(500, exchange.correlationId, message));
}
