import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterTest } from './cleanup.js';

/** Starts a plain HTTP server that stops after the current test, and returns its URL. */
export async function startServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve()),
  );
  afterTest(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
