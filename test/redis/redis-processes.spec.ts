import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { requestGrant, requestToken } from '../support/http.js';
import { RedisServer } from './redis-server.js';

const run = promisify(execFile);
const pica = useEmulator({ integrations: 3 });

/** The package as it is built, apart from `dist/`, which others may be using. */
let home: string;
beforeAll(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'authkit-')));
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
  symlinkSync(resolve('node_modules'), join(home, 'node_modules'), 'dir');
  await run(process.execPath, [
    ...['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
    ...['--outDir', join(home, 'dist')],
  ]);
}, 120_000);
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Starts an instance of the app in a process of its own, and returns the URL of its token endpoint. */
async function startProcess(kind: string, redisUrl: string): Promise<string> {
  const child: ChildProcess = fork(
    'test/redis/instance.js',
    [join(home, 'dist/index.js'), kind, redisUrl, pica.url, pica.secretKey],
    { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  );
  afterTest(async () => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
  const [url] = await once(child, 'message');
  return url as string;
}

it.each(['redis', 'ioredis'])(
  'a single-use grant gives exactly one token to 200 replays at two processes, with a client of %s and the function of the guide',
  async (kind) => {
    const redis = await RedisServer.start();
    afterTest(() => redis.kill());
    const urls = await Promise.all([
      startProcess(kind, redis.url),
      startProcess(kind, redis.url),
    ]);
    for (let round = 0; round < 2; round += 1) {
      const { body: grant } = await requestGrant(urls[round % 2]!);
      const before = pica.requests.length;
      const responses = await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          requestToken(urls[index % 2]!, grant),
        ),
      );
      const statuses = responses.map(({ status }) => status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(1);
      expect(statuses.filter((status) => status === 401)).toHaveLength(199);
      // Of each process those of one token: the flags, and two pages.
      expect(pica.requests.length - before).toBeLessThanOrEqual(6);
    }
  },
  120_000,
);

it('no token is sent while Redis hangs, and the next grant gives one once it is back', async () => {
  const redis = await RedisServer.start();
  afterTest(() => redis.kill());
  const url = await startProcess('redis', redis.url);
  const { body: grant } = await requestGrant(url);
  redis.freeze();
  expect((await requestToken(url, grant)).body.reason).toBe('unavailable');
  redis.resume();
  const { body: next } = await requestGrant(url);
  expect((await requestToken(url, next)).status).toBe(200);
}, 60_000);
