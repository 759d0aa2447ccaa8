import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { jest } from '@jest/globals';
import { afterTest } from '../support/cleanup.js';
import { startEmulator } from '../support/emulator.js';

jest.setTimeout(180_000);

/** What the sample and its build are made of. */
const PARTS = [
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'tsconfig.cjs.json',
  'nest-cli.json',
  'lib',
  'scripts',
  'sample/tsconfig.json',
  'sample/src',
  'sample/public',
];

/** The command that the sample prints, from its first word to the end of its line. */
const PRINTED_CURL = /^curl .*$/m;

/** A copy of the repository: `npm start` builds, and other tests may be using `dist/`. */
let home: string;

beforeAll(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'authkit-sample-')));
  for (const part of PARTS) {
    cpSync(part, join(home, part), { recursive: true });
  }
  symlinkSync(
    realpathSync('node_modules'),
    join(home, 'node_modules'),
    'junction',
  );
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A started sample. It leads a process group of its own, so that nothing of it can outlive the test unseen. */
class Sample {
  output = '';
  private readonly child: ChildProcess;
  readonly exit: Promise<unknown[]>;

  constructor(command: string, args: string[], env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(command, args, {
      cwd: home,
      env: { ...cleanEnvironment(), PORT: '0', ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exit = once(this.child, 'close');
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => (this.output += text));
    }
    started.push(this);
  }

  /** The URL of the app, once it serves. */
  async url(): Promise<string> {
    const gone = this.exit.then(() => true);
    while (!PRINTED_CURL.test(this.output)) {
      if (await Promise.race([gone, sleep(20, false)])) {
        throw new Error(`The sample has ended:\n${this.output}`);
      }
    }
    return /POST (\S+)\/auth\/sign-in/.exec(this.output)![1]!;
  }

  async exitCode(): Promise<unknown> {
    const [code] = await this.exit;
    return code;
  }

  /**
   * Sends SIGTERM to the started process alone, as a supervisor does.
   *
   * @returns whether that was soon the end of every process it has started:
   *   each of them holds on to the same output
   */
  async terminate(): Promise<boolean> {
    this.child.kill('SIGTERM');
    return Promise.race([
      this.exit.then(() => true),
      sleep(5_000, false, { ref: false }),
    ]);
  }

  kill(): void {
    try {
      process.kill(-this.child.pid!, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  }
}

const started: Sample[] = [];
afterEach(() => started.splice(0).forEach((sample) => sample.kill()));

/** Without what this machine may have set for the sample, for Node or for the tools. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(?:PICA_|ONE_|AUTHKIT_|JWT_SECRET|NODE_|npm_|.*_proxy$)/i.test(name),
    ),
  );
}

const npmStart = (env?: NodeJS.ProcessEnv) => new Sample('npm', ['start'], env);

/** Without another build: the first test has built. */
const main = (args: string[], env?: NodeJS.ProcessEnv) =>
  new Sample(process.execPath, ['sample/dist/main.js', ...args], env);

/** Runs a line as if pasted into a shell. */
async function paste(line: string): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-c', line], {
    env: cleanEnvironment(),
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

function post(
  url: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

/** The cookie of a new session, as a browser would send it. */
async function signIn(url: string, name: string): Promise<string> {
  const response = await post(`${url}/auth/sign-in`, { name });
  expect(response.status).toBe(200);
  const [cookie, ...attributes] = response.headers
    .get('set-cookie')!
    .split('; ');
  expect(attributes).toEqual(['Path=/', 'HttpOnly', 'SameSite=Lax']);
  // What the page is told of it is enough to greet the user, and no more.
  expect(Object.keys(await response.json())).toEqual(['user']);
  return cookie!;
}

/** The header with which the widget asks for the token, from the grant route. */
async function grantFor(url: string, cookie: string): Promise<string> {
  const response = await post(`${url}/authkit-token/grant`, {}, { cookie });
  expect(response.status).toBe(200);
  const token = await response.json();
  expect(token).toMatchObject({ url: `${url}/authkit-token` });
  return token.headers.Authorization;
}

describe.each([
  { platform: 'Express', start: () => npmStart() },
  { platform: 'Fastify', start: () => main(['--fastify']) },
])('the sample on $platform', ({ platform, start }) => {
  it('starts, returns tokens as the printed curl command and its page request them, and ends on SIGTERM', async () => {
    const sample = start();
    const url = await sample.url();
    expect(sample.output).toContain(`runs on ${platform}`);
    expect(sample.output).toMatch(
      /PICA_SECRET_KEY is not set: using an emulator .* http:\/\/127\.0\.0\.1:\d+$/m,
    );

    // The printed command, as it stands.
    const [curl] = PRINTED_CURL.exec(sample.output)!;
    const pasted = JSON.parse(await paste(curl));
    expect(pasted.rows).toHaveLength(247);
    expect(pasted).toMatchObject({ total: 247, page: 1, pages: 1 });

    const cookie = await signIn(url, 'grace');
    const authorization = await grantFor(url, cookie);
    const session: Record<string, string> = { cookie };
    const grant: Record<string, string> = { authorization };
    const tokenRoutes = [
      { route: 'authkit-token', right: grant, wrong: session },
      { route: 'integrations/team-token', right: session, wrong: grant },
    ];
    for (const { route, right, wrong } of tokenRoutes) {
      const token = await post(`${url}/${route}`, {}, right);
      expect(token.status).toBe(200);
      expect(token.headers.get('cache-control')).toBe('no-store');
      expect(await token.json()).toMatchObject({ total: 12 });

      // A session is no grant, nor the other way round.
      expect((await post(`${url}/${route}`, {}, wrong)).status).toBe(401);
      expect((await post(`${url}/${route}`, {})).status).toBe(401);
    }
    for (const route of ['authkit-token/grant', 'integrations/team-token']) {
      const forged = await post(
        `${url}/${route}`,
        {},
        { cookie: `${cookie}x` },
      );
      expect(forged.status).toBe(401);
      expect(await forged.json()).toMatchObject({ message: 'Please sign in.' });
    }

    // Other sites can neither sign somebody in or out, nor use the session.
    for (const route of [
      'auth/sign-in',
      'auth/sign-out',
      'authkit-token/grant',
      'integrations/team-token',
    ]) {
      const abused = await post(
        `${url}/${route}`,
        { name: 'ada' },
        { cookie, 'sec-fetch-site': 'cross-site' },
      );
      expect(abused.status).toBe(403);
      expect(abused.headers.has('set-cookie')).toBe(false);
    }

    const whoIs = await fetch(`${url}/auth/session`, { headers: { cookie } });
    expect(await whoIs.json()).toMatchObject({ user: { name: 'grace' } });
    const anonymous = await fetch(`${url}/auth/session`);
    expect(await anonymous.json()).toEqual({ user: null });
    const signedOut = await post(`${url}/auth/sign-out`, {}, { cookie });
    expect(signedOut.status).toBe(200);
    expect(signedOut.headers.get('set-cookie')).toMatch(
      /^sample_session=; .*Max-Age=0/,
    );

    const page = await fetch(url);
    expect(await page.text()).toContain('Connect an integration');
    expect(page.headers.get('content-security-policy')).toMatch(
      /frame-src http:\/\/localhost:\d+;/,
    );
    expect(await (await fetch(`${url}/authkit.js`)).text()).toContain(
      'useAuthKit',
    );
    const list = `${url}/authkit-connections`;
    expect((await fetch(list)).status).toBe(401);
    const connections = await fetch(list, { headers: { cookie } });
    expect(connections.status).toBe(200);
    expect(await connections.json()).toMatchObject({ rows: [], total: 0 });

    // The emulator's own route is behind the session too, and knows only the user's connections.
    const breaking = `${url}/emulator/connections/some-id/break`;
    expect((await post(breaking, {})).status).toBe(401);
    expect((await post(breaking, {}, { cookie })).status).toBe(404);

    const refused = await Promise.all(
      [{ name: 'mallory' }, { name: 1 }, { name: 'ada', admin: true }, {}].map(
        (body) => post(`${url}/auth/sign-in`, body),
      ),
    );
    expect(refused.map(({ status }) => status)).toEqual([401, 400, 400, 400]);

    expect(await sample.terminate()).toBe(true);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });
});

describe('the sample', () => {
  it('reads the secret key from .env, and requests tokens for the user and for the team', async () => {
    const pica = await startEmulator({ secretKey: 'sk_test_dotenv' });
    const file = join(home, '.env');
    writeFileSync(
      file,
      `PICA_SECRET_KEY=${pica.secretKey}\nAUTHKIT_BASE_URL=${pica.url}\n`,
    );
    afterTest(() => rmSync(file));
    const sample = main([]);
    const url = await sample.url();
    expect(sample.output).not.toContain('emulator');
    const cookie = await signIn(url, 'ada');
    // What exists with an emulator alone is not there.
    const { id } = pica.connect('usr_1815', 'gmail');
    const breaking = `${url}/emulator/connections/${id}/break`;
    expect((await post(breaking, {}, { cookie })).status).toBe(404);
    expect(pica.connections[0]!.state).toBe('operational');
    const authorization = await grantFor(url, cookie);
    await post(`${url}/authkit-token`, {}, { authorization });
    await post(`${url}/integrations/team-token`, {}, { cookie });
    const identities = pica.requests.map(({ body }) => body);
    expect(identities).toContainEqual({
      identity: 'usr_1815',
      identityType: 'user',
      tags: ['org_engines'],
    });
    expect(identities).toContainEqual({
      identity: 'team_engines',
      identityType: 'team',
      tags: ['org_engines'],
    });
  });

  it('refuses a grant as session cookie, even when one secret signs both', async () => {
    const secret = 'one for both of them: nobody ought to do that';
    const sample = main([], {
      JWT_SECRET: secret,
      AUTHKIT_GRANT_SECRET: secret,
    });
    const url = await sample.url();
    const grant = await grantFor(url, await signIn(url, 'ada'));
    const cookie = `sample_session=${grant.replace('Bearer ', '')}`;
    const refused = await post(`${url}/authkit-token/grant`, {}, { cookie });
    expect(refused.status).toBe(401);
  });

  it('uses the grant secret of the environment, and a new one at each start without it', async () => {
    const given = {
      AUTHKIT_GRANT_SECRET: 'of the test alone and of 32 bytes at least',
    };
    for (const { env, status } of [
      { env: given, status: 200 },
      { env: {}, status: 401 },
    ]) {
      const secret = env.AUTHKIT_GRANT_SECRET;
      const [one, other] = [main([], env), main([], env)];
      const [first, second] = [await one.url(), await other.url()];
      const grant = await grantFor(first, await signIn(first, 'ada'));
      const elsewhere = await post(
        `${second}/authkit-token`,
        {},
        { authorization: grant },
      );
      expect({ secret, status: elsewhere.status }).toEqual({ secret, status });
    }
  });

  it('exits with 1 and advice when the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const samples = [[], ['--fastify']].map((args) =>
      main(args, { PORT: `${port}` }),
    );
    for (const sample of samples) {
      expect(await sample.exitCode()).toBe(1);
      expect(sample.output).toContain(`Port ${port} is taken.`);
      expect(sample.output).toContain('set another PORT');
    }
    other.close();
  });

  it('exits with 2 and the reason when an argument or PORT is not valid', async () => {
    const refusals = [
      { sample: main(['--fastfy']), says: "Unknown option '--fastfy'" },
      { sample: main(['fastify']), says: "Unexpected argument 'fastify'" },
      { sample: main([], { PORT: 'http' }), says: 'not "http"' },
    ];
    for (const { sample, says } of refusals) {
      expect(await sample.exitCode()).toBe(2);
      expect(sample.output).toContain(says);
      expect(sample.output).not.toContain('    at ');
    }
  });
});
