// A service with connections and a platform, in a process of its own.
import { createServer } from 'node:http';

const LATENCY = 50;
const MB = 2 ** 20;
const chunk = Buffer.alloc(64 * 1024, 'x');
const ACTION_PATHS = ['now', 'later', 'down', 'up'];

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const json = (value) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(value));
  };
  const list = (rows) => json({ rows, total: rows.length, pages: 1, page: 1 });
  if (pathname.startsWith('/v1/vault/connections')) {
    const identity = searchParams.get('identity');
    const key = `test::gmail::default::${identity}`;
    const id = `c0000000-0000-4000-8000-${Buffer.from(identity).toString('hex').padStart(12, '0').slice(-12)}`;
    const row = { id, key, platform: 'gmail', identity, identityType: 'user' };
    const isActive = searchParams.get('active') !== 'false';
    return list(
      isActive ? [{ ...row, state: 'operational', active: true }] : [],
    );
  }
  if (pathname.startsWith('/v1/available-actions')) {
    return list(
      ['GET', 'POST'].flatMap((method) =>
        ACTION_PATHS.map((path) => ({
          systemId: `conn_mod_def::${method}::${path}`,
          title: path,
          method,
          path: `/${path}`,
          tags: [],
        })),
      ),
    );
  }
  const body = { labels: Array.from({ length: 20 }, (_, id) => ({ id })) };
  const key = String(request.headers['x-pica-connection-key']);
  if (key.endsWith('::hangs')) return undefined;
  if (pathname.endsWith('/now')) return json(body);
  if (pathname.endsWith('/later')) return setTimeout(json, LATENCY, body);
  if (pathname.endsWith('/up')) {
    let size = 0;
    request.on('data', ({ length }) => (size += length));
    return request.on('end', () => json({ size }));
  }
  let left = (Number(searchParams.get('mb')) * MB) / chunk.length;
  const write = () => {
    while (left > 0) {
      left -= 1;
      if (!response.write(chunk)) return;
    }
    response.end();
  };
  response.on('drain', write);
  return write();
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () =>
  process.send({ url: `http://127.0.0.1:${server.address().port}` }),
);
process.once('disconnect', () => process.exit());
