import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { run } from './run.js';

/** A registry on a local port that has the packed package, and sends for all others to npm's own. */
export class Registry {
  private constructor(private readonly server: Server) {}

  /** The address, as package managers are told it. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  static async start(tarball: string): Promise<Registry> {
    const directory = dirname(tarball);
    const upstream = await run(directory, 'npm', 'config', 'get', 'registry');
    const manifest = JSON.parse(
      await run(directory, 'tar', '-xzOf', tarball, 'package/package.json'),
    ) as { name: string; version: string };
    const content = await readFile(tarball);

    const server = createServer(({ url = '' }, response) => {
      if (url === `/${manifest.name}`) {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(describe(manifest, content, registry.url)));
      } else if (url.startsWith(`/${manifest.name}/-/`)) {
        response.end(content);
      } else {
        const location = upstream.trim().replace(/\/$/, '') + url;
        response.writeHead(307, { location }).end();
      }
    });
    const registry = new Registry(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return registry;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** What a registry tells about a package of one version. */
function describe(
  manifest: { name: string; version: string },
  content: Buffer,
  registry: string,
): object {
  const { name, version } = manifest;
  const dist = {
    tarball: `${registry}/${name}/-/${name}-${version}.tgz`,
    shasum: createHash('sha1').update(content).digest('hex'),
    integrity: `sha512-${createHash('sha512').update(content).digest('base64')}`,
  };
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist } },
    // Some package managers do not install what was published today.
    time: { [version]: '2026-01-01T00:00:00.000Z' },
  };
}
