import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Exchange } from './exchange.js';
import { vendorError } from './vendor-errors.js';

/** An HTTP server on 127.0.0.1 that knows all its connections, and so can be stopped at once. */
export class EmulatorServer {
  // Idle connections stay open: a client that reuses one just as it is closed would fail by chance.
  private readonly server = createServer({ keepAliveTimeout: 0 });
  private readonly sockets = new Set<Socket>();
  private readonly exchanges = new Set<Exchange>();
  private listeningOn = 0;
  private stopped?: Promise<void>;

  /**
   * @param nameCall gives every call its correlation id
   * @param answer answers a call; what it throws is the fault of the test's own functions
   */
  constructor(
    private readonly nameCall: () => string,
    private readonly answer: (exchange: Exchange) => Promise<void>,
  ) {
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    this.server.on('request', (incoming, response) => {
      void this.serve(incoming, response);
    });
  }

  /** @throws {Error} where the port cannot be used */
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
    this.listeningOn = (this.server.address() as AddressInfo).port;
  }

  /** The port, also after the end. */
  get port(): number {
    return this.listeningOn;
  }

  get openConnections(): number {
    return this.sockets.size;
  }

  stop(): Promise<void> {
    this.stopped ??= new Promise((resolve) => {
      this.server.close(() => resolve());
      for (const exchange of this.exchanges) exchange.hangUp();
      for (const socket of this.sockets) socket.destroy();
    });
    return this.stopped;
  }

  private async serve(
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const exchange = new Exchange(incoming, response, this.nameCall());
    this.exchanges.add(exchange);
    response.once('close', () => this.exchanges.delete(exchange));
    try {
      await this.answer(exchange);
    } catch (error) {
      // A wait that ended because the client has gone throws too.
      if (!exchange.isOver) blame(error, exchange);
    }
  }
}

/** `when`, `transform` or `requestId` has thrown: the answer alone would be easy to miss. */
function blame(error: unknown, exchange: Exchange): void {
  const { path } = exchange.request;
  const message = `PicaEmulator: a function of the test failed on ${path}: ${String(error)}`;
  process.emitWarning(message, {
    detail: error instanceof Error ? error.stack : undefined,
  });
  exchange.send(vendorError(500, exchange.correlationId, message));
}
