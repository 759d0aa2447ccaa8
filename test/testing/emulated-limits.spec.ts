import { execFile } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import { resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { useEmulator } from '../support/emulator.js';

const pica = useEmulator();

/** A request with headers that a browser sets and fetch() does not allow. */
function get(
  path: string,
  headers: Record<string, string>,
): Promise<{ status?: number; body: unknown }> {
  return new Promise((settle, reject) => {
    httpRequest(`${pica.url}${path}`, { agent: false, headers })
      .on('response', (response) =>
        json(response).then(
          (body) => settle({ status: response.statusCode, body }),
          () => settle({ status: response.statusCode, body: undefined }),
        ),
      )
      .on('error', reject)
      .end();
  });
}

describe('the site of the emulator', () => {
  const PATHS = ['/', '/?data=e30=', '/widget/main.js', '/emulator/state'];

  it.each([
    'evil.example',
    `evil.example:4010`,
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '127.0.0.1@evil.example',
    '0.0.0.0',
    '192.168.1.2:4010',
    ':',
  ])('refuses the host of a page of another site: %s', async (host) => {
    for (const path of PATHS) {
      const { status } = await get(path, { host });
      expect([path, status]).toEqual([path, 403]);
    }
  });

  it.each(['http://evil.example', 'null', 'http://127.0.0.1:1', ''])(
    'refuses the origin of a page of another site: %j',
    async (origin) => {
      for (const path of PATHS) {
        const { status } = await get(path, { origin });
        expect([path, status]).toEqual([path, 403]);
      }
    },
  );

  it.each(['127.0.0.1', 'localhost', '[::1]', 'emulator.localhost'])(
    'serves this machine, whatever the port is: %s',
    async (name) => {
      for (const host of [name, `${name}:4321`]) {
        for (const path of PATHS) {
          const own = { host, origin: `http://${host}` };
          expect((await get(path, { host })).status).toBe(200);
          expect((await get(path, own)).status).toBe(200);
        }
      }
    },
  );

  it('is not the API, which any host and origin reach, as proxies and containers rename it', async () => {
    for (const headers of <Record<string, string>[]>[
      { host: 'pica_emulator:4010' },
      { host: 'evil.example', origin: 'http://evil.example' },
    ]) {
      const key = { 'x-pica-secret': pica.secretKey };
      const { status } = await get('/v1/users/flags', { ...headers, ...key });
      expect(status).toBe(200);
    }
  });
});

describe('the log of requests', () => {
  it.each([
    ['right', 200],
    ['wrong', 401],
  ])(
    'is bounded: 200 bodies of 1 MB with a %s key fit into a heap of 96 MB',
    async (key, status) => {
      const { stdout } = await promisify(execFile)(process.execPath, [
        '--disable-warning=ExperimentalWarning',
        '--max-old-space-size=96',
        '--import',
        pathToFileURL(resolve('test/support/typescript-loader.js')).href,
        'test/support/node/flood-emulator.ts',
        key,
      ]);
      expect(JSON.parse(stdout)).toEqual({
        statuses: [status],
        requests: 200,
        lastIsKept: true,
      });
    },
    30_000,
  );

  it('keeps 16 kB of a body with a wrong key', async () => {
    await fetch(`${pica.url}/v1/authkit`, {
      method: 'POST',
      body: 'x'.repeat(100_000),
    });
    expect(String(pica.requests[0]!.body)).toHaveLength(16 * 1024);
    expect(pica.requests[0]!.problem).toBe('x-pica-secret is missing');
  });
});
