import { once } from 'node:events';
import {
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it came over the network, with the answer to it. */
export interface Recorded {
  method: string;
  /** With the query. */
  url: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  status?: number;
  answerHeaders: IncomingHttpHeaders;
}

/**
 * Stands before a server and keeps what it is sent: preflights, cookies and
 * the loading of pages too, as no log of a browser shows them all.
 */
export class Recorder {
  readonly requests: Recorded[] = [];
  private readonly server = createServer((incoming, outgoing) => {
    // A browser that goes away in the middle is none of the test's faults.
    this.relay(incoming, outgoing).catch(() => outgoing.destroy());
  });

  private constructor(
    private readonly target: string,
    private readonly host: string,
  ) {}

  /**
   * @param target the URL of what it stands before
   * @param host under which it is reached: to browsers, 127.0.0.1 and localhost are two sites
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

  /** What came for a path, in that order. */
  at(path: string): Recorded[] {
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
    const recorded: Recorded = {
      method,
      url,
      path: url.split('?', 1)[0]!,
      headers,
      body: '',
      answerHeaders: {},
    };
    this.requests.push(recorded);
    incoming.setEncoding('utf8');
    for await (const chunk of incoming) recorded.body += chunk;

    // The Host header goes through as it came, so the app sees its visitors' address.
    const onward = request(this.target + url, {
      method,
      headers,
      agent: false,
    });
    onward.once('error', () => outgoing.destroy());
    onward.once('response', (answer) => {
      recorded.status = answer.statusCode;
      recorded.answerHeaders = answer.headers;
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    onward.end(recorded.body);
  }
}
