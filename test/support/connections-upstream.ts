import type { AuthKitConnection } from '../../lib/index.js';
import { startServer } from './server.js';

/** A request to the upstream: `id` is missing in one for the list. */
export interface UpstreamCall {
  readonly method: string;
  readonly id?: string;
}

/** An upstream of connections whose rows a test changes at any moment. It serves GET, PATCH and DELETE. */
export interface ConnectionsUpstream {
  readonly secretKey: string;
  readonly url: string;
  rows: AuthKitConnection[];
  calls: UpstreamCall[];
  /** Runs before each request is handled. */
  before: (call: UpstreamCall) => void | Promise<void>;
  /** Removes a row. */
  remove(id: string): void;
}

/** Starts an upstream that stops after the current test. */
export async function startConnectionsUpstream(): Promise<ConnectionsUpstream> {
  const upstream: ConnectionsUpstream = {
    secretKey: 'sk_test_1',
    url: '',
    rows: [],
    calls: [],
    before: () => {},
    remove(id) {
      this.rows = this.rows.filter((row) => row.id !== id);
    },
  };
  const url = await startServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', async () => {
      const method = request.method!;
      const { pathname, searchParams } = new URL(request.url!, 'http://a');
      const id = /connections\/(.+)$/.exec(pathname)?.[1];
      const call = { method, ...(id && { id }) };
      upstream.calls.push(call);
      await upstream.before(call);
      const send = (status: number, value: unknown) =>
        response
          .writeHead(status, { 'content-type': 'application/json' })
          .end(JSON.stringify(value));
      const row = upstream.rows.find((each) => each.id === id);
      if (id && !row) return send(404, {});
      if (method === 'DELETE') upstream.remove(id!);
      if (method === 'PATCH') Object.assign(row!, JSON.parse(body));
      if (id) return send(200, row);
      const meets = (each: AuthKitConnection) =>
        ['identity', 'platform', 'key', 'active'].every((name) => {
          const wanted = searchParams.get(name);
          const actual = each[name as 'key'];
          return wanted === null || String(actual ?? true) === wanted;
        });
      const rows = upstream.rows.filter(meets);
      return send(200, { rows, total: rows.length, pages: 1, page: 1 });
    });
  });
  return Object.assign(upstream, { url });
}
