import { once } from 'node:events';
import {
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the network carried it, with the status and headers of its response. */
export interface RecordedRequest {
  method: string;
  /** The path with the query. */
  url: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  status?: number;
  responseHeaders: IncomingHttpHeaders;
}

/**
 * A reverse proxy that records every request: preflights, cookies and page
 * loads included, of which no log of a browser has all.
 */
export class Recorder {
  readonly requests: RecordedRequest[] = [];
  private readonly server = createServer((incoming, outgoing) => {
    // A browser may disconnect at any time.
    this.relay(incoming, outgoing).catch(() => outgoing.destroy());
  });

  private constructor(
    private readonly target: string,
    private readonly host: string,
  ) {}

  /**
   * @param target the URL of the server behind it
   * @param host the host of its URL: to browsers, 127.0.0.1 and localhost are two sites
   */
  static async start(
    target: string,
    host: '127.0.0.1' | 'localhost' = '127.0.0.1',
  ): Promise<Recorder> {
    const recorder = new Recorder(target, host);
    recorder.server.listen(0, '127.0.0.1');
    await once(recorder.server, 'listening');
    return recorder;
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://${this.host}:${port}`;
  }

  /** The requests for a path, in the order of their arrival. */
  to(path: string): RecordedRequest[] {
    return this.requests.filter((each) => each.path === path);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async relay(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    const { method = '', url = '', headers } = incoming;
    const recorded: RecordedRequest = {
      method,
      url,
      path: url.split('?', 1)[0]!,
      headers,
      body: '',
      responseHeaders: {},
    };
    this.requests.push(recorded);
    incoming.setEncoding('utf8');
    for await (const chunk of incoming) recorded.body += chunk;

    // The Host header stays the same, so that the app sees the address that its visitors use.
    const onward = request(this.target + url, {
      method,
      headers,
      agent: false,
    });
    onward.once('error', () => outgoing.destroy());
    onward.once('response', (response) => {
      recorded.status = response.statusCode;
      recorded.responseHeaders = response.headers;
      outgoing.writeHead(response.statusCode!, response.headers);
      response.pipe(outgoing);
    });
    onward.end(recorded.body);
  }
}
