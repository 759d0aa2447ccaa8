import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, jest } from '@jest/globals';
import {
  Controller,
  Get,
  Header,
  HttpCode,
  HttpException,
  Inject,
  Injectable,
  Logger,
  Options,
  Post,
  Req,
  Res,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { diagnose } from '../../lib/doctor/diagnose.js';
import {
  AuthKitIdentityGuard,
  AuthKitTokenService,
  CurrentIdentity,
  type AuthKitIdentity,
} from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { PLATFORMS, startApp } from '../support/app.js';
import { buildPackage, type BuiltPackage } from '../support/commands.js';
import { startEmulator, useEmulator } from '../support/emulator.js';
import { setEnvironment } from '../support/environment.js';
import { SignInGuard } from '../support/guards.js';
import { requestGrant, WIDGET } from '../support/http.js';
import { startServer } from '../support/server.js';

jest.setTimeout(60_000);

let built: BuiltPackage;
beforeAll(() => {
  built = buildPackage();
  // As the command does.
  Logger.overrideLogger(false);
});
afterAll(() => built.remove());

const pica = useEmulator();

type Environment = Record<string, string | undefined>;

/** The environment variables that point the doctor at an emulator. */
const environmentOf = ({
  vendor,
  secretKey,
  url,
}: Pick<typeof pica, 'vendor' | 'secretKey' | 'url'> = pica): Environment => ({
  [vendor === 'one' ? 'ONE_SECRET_KEY' : 'PICA_SECRET_KEY']: secretKey,
  AUTHKIT_BASE_URL: url,
});

/** Unset here, whatever the machine sets. */
const UNSET = Object.fromEntries(
  [
    ...['PICA_SECRET_KEY', 'ONE_SECRET_KEY', 'AUTHKIT_VENDOR'],
    ...['AUTHKIT_BASE_URL', 'AUTHKIT_TIMEOUT', 'AUTHKIT_GRANT_SECRET'],
    ...['AUTHKIT_ALLOWED_ORIGINS', 'AUTHKIT_PAGE_ORIGINS'],
  ].map((name) => [name, undefined]),
);

interface Examined {
  code: number | null;
  output: string;
  errors: string;
  /** The findings in order: `✓ Secret key`. */
  findings: string[];
  /** The names of the findings that are wrong. */
  wrong: string[];
  /** The output without its line breaks. */
  words: string;
}

/** Checks in this process, with these variables alone. */
async function examine(
  args: string[] = [],
  env: Environment = environmentOf(),
): Promise<Examined> {
  setEnvironment({ ...UNSET, ...env });
  const { output, errors, exitCode } = await diagnose(args);
  return { code: exitCode, output, errors, ...parseFindings(output) };
}

/** Runs the command to its end, with these variables alone. */
async function runCommand(
  args: string[] = [],
  env: Environment = environmentOf(),
): Promise<Examined> {
  const { code, output, errors } = await new Promise<
    Pick<Examined, 'code' | 'output' | 'errors'>
  >((resolve) => {
    const child = execFile(
      process.execPath,
      [built.command('authkit-doctor'), ...args],
      {
        cwd: built.directory,
        env: { ...process.env, ...UNSET, ...env } as NodeJS.ProcessEnv,
      },
      (_, stdout, stderr) =>
        resolve({ code: child.exitCode, output: stdout, errors: stderr }),
    );
  });
  return { code, output, errors, ...parseFindings(output) };
}

function parseFindings(
  output: string,
): Pick<Examined, 'findings' | 'wrong' | 'words'> {
  const lines = output.matchAll(/^ {2}([✓✗–]) (.+?)(?: {2}.*)?$/gm);
  const findings = [...lines].map(([, mark, name]) => `${mark} ${name}`);
  const wrong = findings
    .filter((finding) => finding.startsWith('✗'))
    .map((finding) => finding.slice(2));
  return { findings, wrong, words: output.replace(/\s+/g, ' ') };
}

const signedIn = ['--header', 'authorization: Bearer ada'];

describe('authkit-doctor with a secret key', () => {
  it('says that nothing is wrong when the key is accepted, with the account and the time per call', async () => {
    pica.connect('ada', 'gmail');
    pica.integrations = [
      ...pica.rows,
      { ...pica.rows[0]!, id: 'conn_plf_off', active: false },
    ];
    const { code, output, errors, findings } = await runCommand();
    expect(findings).toEqual([
      '✓ Secret key',
      '✓ Environment',
      '✓ Integrations',
      '✓ White label',
      '✓ Connections',
      '✓ Time',
    ]);
    expect(output).toContain(`Pica, ${pica.url}`);
    expect(output).toContain('accepted, from PICA_SECRET_KEY');
    expect(output).toMatch(/Environment +test$/m);
    expect(output).toContain('248, of which 247 are active');
    expect(output).toContain('no: the widget shows the name of Pica');
    expect(output).toContain('the list obeys its identity filter');
    expect(output).toMatch(/\d+ to \d+ ms per call, 6 calls/);
    expect(output).toMatch(/Nothing is wrong\.\n$/);
    expect(output.split('\n').length).toBeLessThanOrEqual(24);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(output).not.toContain(pica.secretKey);
    // It changes nothing.
    const methods = pica.requests.map(
      ({ method, path }) => `${method} ${path}`,
    );
    expect(new Set(methods)).toEqual(
      new Set([
        'POST /v1/authkit',
        'GET /v1/users/flags',
        'GET /v1/vault/connections',
      ]),
    );
    expect(pica.connections).toHaveLength(1);
  });

  it('names the organization and project of a key of One, and nobody', async () => {
    const one = await startEmulator({ vendor: 'one', whiteLabel: true });
    one.connect('ada', 'gmail');
    const { code, output, findings } = await examine([], environmentOf(one));
    expect(findings).toContain('✓ Organization');
    expect(output).toMatch(/Organization +Example Inc\. \([\da-f-]{36}\)/);
    expect(output).toMatch(/Project +Sandbox \([\da-f-]{36}\)/);
    expect(output).toContain('yes: the widget hides the name of One');
    expect(output).not.toMatch(/Ada|@/i);
    expect(code).toBe(0);
  });

  it.each<[string, object, string]>([
    [
      'the name of the person that owns the key',
      { user: { name: 'Ada King', email: 'x@y.z' }, name: "Ada's team" },
      'a-1',
    ],
    [
      'an address',
      { user: { name: 'A', email: 'a@b.c' }, name: 'bob@b.c' },
      'a-1',
    ],
    ['a part of the key', { name: 'of sk_test_emulator' }, 'a-1'],
    ['control characters', { name: 'Acme\u001b[2J' }, 'a-1'],
  ])(
    'leaves the name of an organization out when it has %s',
    async (_, { user, name }: { user?: object; name?: string }, id) => {
      const one = await startEmulator({ vendor: 'one' });
      one.fault({
        path: '/v1/users/whoami',
        transform: () => ({ user, organization: { id, name }, project: null }),
      });
      const { output } = await examine([], environmentOf(one));
      expect(output).toMatch(/Organization +\(a-1\)$/m);
      expect(output).toContain('none: the key is for all projects');
    },
  );

  it('says what to do when the key is refused, and never shows it, although the response quotes it', async () => {
    const secretKey = 'sk_live_a1b2c3d4e5f6';
    pica.fault({
      path: '/v1/authkit',
      status: 401,
      headers: { 'x-one-correlation-id': `id-${secretKey}` },
      body: { message: `The key ${secretKey} is revoked` },
    });
    const env = { ...environmentOf(), PICA_SECRET_KEY: secretKey };
    const { code, output, errors, findings, words } = await runCommand([], env);
    expect(findings).toEqual(['✗ Secret key']);
    expect(words).toContain(
      'secret_rejected (upstream status 401, attempts 1)',
    );
    expect(words).toContain(
      'Copy the key again from the dashboard of Pica into PICA_SECRET_KEY.',
    );
    expect(output).toContain('1 thing is wrong.');
    expect(output + errors).not.toContain('a1b2c3d4');
    expect(code).toBe(1);
  });

  it('hides the key when it is part of an address', async () => {
    const { output } = await examine(
      [`--endpoint=${pica.url}/${pica.secretKey}`],
      {
        ...environmentOf(),
        AUTHKIT_BASE_URL: `${pica.url}/${pica.secretKey}`,
      },
    );
    expect(output).toContain(`${pica.url}/[hidden]`);
    expect(output).not.toContain(pica.secretKey);
  });

  it('hides the key when it is part of an address that cannot be reached', async () => {
    const { output } = await examine([], {
      ...environmentOf(),
      AUTHKIT_BASE_URL: `http://127.0.0.1:1/${pica.secretKey}`,
    });
    expect(output).toContain('http://127.0.0.1:1/[hidden] cannot be reached.');
    expect(output).not.toContain(pica.secretKey);
  });

  it.each([
    { status: 402, says: 'Raise the quota' },
    { status: 503, says: 'Pica has a failure' },
    { status: 404, says: 'Check AUTHKIT_BASE_URL' },
    { status: 429, headers: { 'retry-after': '7' }, says: 'again in 7 s' },
  ])('says what to do when the status is $status', async (fault) => {
    const { says, ...effect } = fault;
    pica.fault({ path: '/v1/authkit', ...effect });
    const { code, output } = await examine();
    expect(output).toContain(says);
    expect(code).toBe(1);
  });

  it('ends after --timeout when there is no response', async () => {
    pica.fault({ path: '/v1/authkit', hang: true });
    const startedAt = performance.now();
    const { code, output } = await examine(['--timeout', '200']);
    // Before attemptTimeout, which is 5 s.
    expect(performance.now() - startedAt).toBeLessThan(4_500);
    expect(output).toContain('There is no response within 200 ms.');
    expect(code).toBe(1);
  });

  it('says where nothing is reached', async () => {
    const { code, output } = await examine([], {
      ...environmentOf(),
      AUTHKIT_BASE_URL: 'http://127.0.0.1:1',
    });
    expect(output).toContain('ECONNREFUSED');
    expect(output).toContain('http://127.0.0.1:1 cannot be reached.');
    expect(code).toBe(1);
  });

  it('names the two causes of an empty list of integrations', async () => {
    pica.integrations = 0;
    const { code, words, wrong } = await examine();
    expect(wrong).toEqual(['Integrations']);
    expect(words).toContain(
      'Enable integrations in the dashboard of Pica, or take the key of the other environment',
    );
    expect(code).toBe(1);
  });

  it('says when no integration is active', async () => {
    pica.integrations = [{ ...pica.rows[0]!, active: false }];
    const { output, wrong } = await examine();
    expect(wrong).toEqual(['Integrations']);
    expect(output).toContain('1, of which 0 are active');
  });

  it('says when integrations are of the other environment than the key', async () => {
    pica.integrations = [{ ...pica.rows[0]!, environment: 'live' }];
    expect((await examine()).wrong).toEqual(['Environment']);
  });

  it('says when the flags cannot be read', async () => {
    pica.fault({ path: '/v1/users/flags', status: 500 });
    expect((await examine()).wrong).toEqual(['White label']);
  });

  it('says when the list of connections ignores its identity filter', async () => {
    pica.connect('ada', 'gmail');
    pica.ignoreFilters = ['identity'];
    const { code, output, wrong } = await examine();
    expect(wrong).toEqual(['Connections']);
    expect(output).not.toContain('ada');
    expect(code).toBe(1);
  });

  it('says when the identity filter finds none for an identity that has connections', async () => {
    pica.connect('ada', 'gmail');
    pica.fault({
      path: '/v1/vault/connections',
      when: ({ query }) => query.identity !== undefined,
      transform: () => ({ rows: [], total: 0, pages: 0, page: 1 }),
    });
    const { words, wrong } = await examine();
    expect(wrong).toEqual(['Connections']);
    expect(words).toContain('it finds none for an identity that has some');
  });

  it('does not check the identity filter when there is no connection', async () => {
    const { code, findings } = await examine();
    expect(findings).toContain('– Connections');
    expect(code).toBe(0);
  });

  it('says what to set when there is no key', async () => {
    const { code, output, wrong } = await examine([], {});
    expect(wrong).toEqual(['Secret key']);
    expect(output).toContain(
      'Set PICA_SECRET_KEY for Pica, or ONE_SECRET_KEY for One',
    );
    expect(code).toBe(1);
  });

  it('names each variable that is not valid, without the key', async () => {
    const { code, output, wrong } = await examine([], {
      PICA_SECRET_KEY: 'sk_live_a1b2 c3d4',
      AUTHKIT_TIMEOUT: '0',
    });
    expect(wrong).toEqual(['secretKey', 'timeout']);
    expect(output).not.toContain('a1b2');
    expect(code).toBe(1);
  });

  it('reads .env of its folder, where variables that are set take precedence', async () => {
    const file = join(built.directory, '.env');
    writeFileSync(
      file,
      `PICA_SECRET_KEY=${pica.secretKey}\nAUTHKIT_BASE_URL=http://127.0.0.1:1\n`,
    );
    const { code, errors } = await runCommand([], {
      AUTHKIT_BASE_URL: pica.url,
    });
    writeFileSync(file, '');
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
  });
});

describe('authkit-doctor and the address of the key', () => {
  it('refuses plain http to another machine, and sends nothing', async () => {
    const { code, words, wrong } = await examine(
      ['--call', 'gmail', 'gmail/v1/users/me/labels', '--identity', 'ada'],
      { ...environmentOf(), AUTHKIT_BASE_URL: 'http://pica.example' },
    );
    expect(wrong).toEqual(['Secret key']);
    expect(words).toContain('not sent: AUTHKIT_BASE_URL is plain http');
    expect(code).toBe(1);
  });

  it("names a base URL of .env that is not the vendor's before it sends the key", async () => {
    const lines: [line: string, requests: number][] = [];
    const announce = (line: string) =>
      void lines.push([line, pica.requests.length]);
    setEnvironment({ ...UNSET, ...environmentOf() });
    await diagnose([], { fromFile: ['AUTHKIT_BASE_URL'], announce });
    expect(lines).toEqual([
      [
        `Sending the secret key to ${pica.url}: AUTHKIT_BASE_URL of .env. Pica is at https://api.picaos.com.`,
        0,
      ],
    ]);
    await diagnose([], { fromFile: ['PICA_SECRET_KEY'], announce });
    expect(lines).toHaveLength(1);
  });

  it('names it when the command has read it from .env', async () => {
    const file = join(built.directory, '.env');
    writeFileSync(file, `AUTHKIT_BASE_URL=${pica.url}\n`);
    const { code, errors } = await runCommand([], {
      PICA_SECRET_KEY: pica.secretKey,
    });
    writeFileSync(file, '');
    expect(errors).toBe(
      `Sending the secret key to ${pica.url}: AUTHKIT_BASE_URL of .env. Pica is at https://api.picaos.com.\n`,
    );
    expect(code).toBe(0);
  });
});

describe.each(['pica', 'one'] as const)(
  'authkit-doctor and the identity filter of %s',
  (vendor) => {
    it('says that the list obeys it', async () => {
      const other = await startEmulator({ vendor });
      other.connect('ada', 'gmail');
      const { findings } = await examine([], environmentOf(other));
      expect(findings).toContain('✓ Connections');
    });

    it('says when it selects by the user at the platform: it then finds none for the identity of a token', async () => {
      const other = await startEmulator({ vendor });
      other.connect('ada', 'gmail');
      other.fault({
        path: '/v1/vault/connections',
        when: ({ query }) => query.identity !== undefined,
        transform: () => ({ rows: [], total: 0, pages: 0, page: 1 }),
      });
      const { words, wrong } = await examine([], environmentOf(other));
      expect(wrong).toEqual(['Connections']);
      expect(words).toContain(
        'It may mean the user at the platform, such as an address',
      );
    });
  },
);

describe('authkit-doctor --call', () => {
  const PATH = 'gmail/v1/users/me/labels';
  const call = (path = PATH, identity = 'ada', platform = 'gmail') =>
    examine(['--call', platform, path, '--identity', identity]);
  /** The findings about the call. */
  const ofCall = ({ findings }: Examined) => findings.slice(6);

  it('makes one GET with the connection of the identity, and prints neither its key nor the response', async () => {
    const connection = pica.connect('ada', 'gmail');
    pica.platform('gmail', 'GET', '/gmail/v1/users/me/labels', ({ query }) => ({
      body: { labels: [`secret label ${query.get('maxResults')}`] },
    }));
    const examined = await call(`${PATH}?maxResults=7`);
    expect(ofCall(examined)).toEqual(['✓ Connection', '✓ Action', '✓ Call']);
    expect(examined.output).toContain(`GET ${PATH} of gmail`);
    expect(examined.output).toContain(`found: ${connection.id}`);
    expect(examined.output).toContain('status 200, from gmail');
    expect(examined.output).not.toContain('secret label');
    expect(examined.output).not.toContain(connection.key);
    const calls = pica.requests.filter(({ path }) =>
      path.startsWith('/v1/passthrough'),
    );
    expect(calls).toMatchObject([
      { method: 'GET', query: { maxResults: '7' }, status: 200 },
    ]);
    expect(examined.code).toBe(0);
  });

  it('says when the identity has no connection of the platform', async () => {
    pica.connect('ada', 'slack');
    const examined = await call();
    expect(ofCall(examined)).toEqual(['✗ Connection']);
    expect(examined.words).toContain(
      'this identity has no active connection of gmail',
    );
    expect(examined.code).toBe(1);
  });

  it('says when the connection has to be made again, or is one of several', async () => {
    const { id } = pica.connect('ada', 'gmail');
    pica.breakConnection(id);
    expect((await call()).words).toContain(
      'found, but it does not work any more',
    );
    pica.connect('bob', 'gmail');
    pica.connect('bob', 'gmail');
    expect((await call(PATH, 'bob')).words).toContain(
      'this identity has more than one connection of gmail',
    );
  });

  it('says when the connection is dead, though the list calls it operational', async () => {
    const { id } = pica.connect('ada', 'gmail');
    pica.breakConnection(id, { silently: true });
    const examined = await call();
    expect(ofCall(examined)).toEqual(['✓ Connection', '✓ Action', '✗ Call']);
    expect(examined.words).toContain('The user has to connect again.');
  });

  it('names the nearest actions when none has the path', async () => {
    pica.connect('ada', 'gmail');
    const examined = await call('gmail/v1/users/me/lables');
    expect(ofCall(examined)).toEqual(['✓ Connection', '✗ Action']);
    expect(examined.words).toMatch(/No action matches GET.*The nearest: /);
  });

  it.each([
    { status: 401, says: 'the user may have to connect again' },
    { status: 403, says: 'Add the scope in the dashboard' },
    { status: 404, says: 'Check the path and the ids in it' },
    { status: 429, says: "The user's limit there is reached" },
    { status: 500, says: 'Try later.' },
  ])(
    "says that a status of $status is the platform's own error",
    async ({ status, says }) => {
      pica.connect('ada', 'gmail');
      pica.platform('gmail', 'GET', '/gmail/v1/users/me/labels', () => ({
        status,
        body: { error: 'quoted \u001b[2J' },
      }));
      const examined = await call();
      expect(examined.findings.at(-1)).toBe('✗ Call');
      expect(examined.words).toContain(`status ${status}, from gmail`);
      expect(examined.words).toContain(`It is gmail's own error.`);
      expect(examined.words).toContain(says);
      expect(examined.output).not.toContain('quoted');
    },
  );

  it("says that a refused key is Pica's error", async () => {
    pica.connect('ada', 'gmail');
    pica.fault({
      path: `/v1/passthrough/${PATH}`,
      status: 403,
      body: '403 Forbidden',
    });
    const examined = await call();
    expect(examined.findings.at(-1)).toBe('✗ Call');
    expect(examined.words).toContain("It is Pica's error");
  });
});

describe.each(PLATFORMS)('authkit-doctor --endpoint on %s', (platform) => {
  it('says that nothing is wrong with the route of the module', async () => {
    const { tokenUrl } = await startApp({ platform, pica });
    const { code, output, findings } = await examine([
      '--endpoint',
      tokenUrl,
      ...signedIn,
    ]);
    expect(findings.slice(-7)).toEqual([
      '✓ Preflight',
      '✓ Other origins',
      '✓ Without login',
      '✓ CORS of errors',
      '✓ With login',
      '✓ Token',
      '✓ Headers',
    ]);
    expect(output).toContain(`from ${WIDGET}: status 204`);
    expect(output).toContain('unwrapped, 247 integrations');
    expect(output).toContain('CORS and no-store');
    expect(output.split('\n').length).toBeLessThanOrEqual(24);
    expect(code).toBe(0);
  });

  it('accepts the grant of a route with grants, and does not print it', async () => {
    const { tokenUrl } = await startApp({
      platform,
      pica,
      controller: { grants: true },
    });
    const { body: grant } = await requestGrant(tokenUrl);
    const header = `authorization: ${grant.headers.Authorization}`;
    const { code, output } = await examine(
      ['--endpoint', tokenUrl, '--header', header],
      {},
    );
    expect(output).toContain('– Secret key  not checked');
    expect(output).toContain('unwrapped, 247 integrations');
    expect(output).not.toContain(grant.headers.Authorization.slice(7));
    expect(code).toBe(0);
  });
});

describe.each(PLATFORMS)(
  'authkit-doctor and the routes of pages on %s',
  (platform) => {
    const withSession = ['--header', 'cookie: sid=ada'];
    const start = () =>
      startApp({
        platform,
        pica,
        controller: { grants: true, connections: true },
      });

    it('checks grant route, token route and connections from the URL of the token route, with the login of the user alone', async () => {
      const { tokenUrl, url } = await start();
      pica.connect('ada', 'gmail');
      const { code, output, words, findings } = await examine(
        ['--endpoint', tokenUrl, ...withSession],
        {},
      );
      expect(findings).toEqual([
        '– Secret key',
        '✓ Other origins',
        '✓ Without login',
        '✓ With login',
        '✓ Headers',
        '✓ Preflight',
        '✓ Other origins',
        '✓ Without login',
        '✓ CORS of errors',
        '✓ With login',
        '✓ Token',
        '✓ Headers',
        '✓ Other origins',
        '✓ Without login',
        '✓ With login',
        '✓ Headers',
      ]);
      expect(output).toContain(`${tokenUrl}/grant\n`);
      expect(output).toContain(`${url}/authkit-connections\n`);
      expect(words).toContain("status 200, 1 of the user's connections");
      expect(output).not.toContain('eyJ');
      expect(code).toBe(0);
    });

    it('recognizes a grant route given as --endpoint, and does not advise to open it by CORS', async () => {
      const { tokenUrl } = await start();
      const { code, output, words } = await examine(
        ['--endpoint', `${tokenUrl}/grant`, ...withSession],
        {},
      );
      expect(words).toContain(
        'Grant route recognized: pages of the app call it. The widget of Pica calls the token route',
      );
      expect(words).toContain('unwrapped, 247 integrations');
      expect(output).not.toContain('Access-Control-Allow-Origin');
      expect(code).toBe(0);
    });

    it('prints a command that gets the header of a grant when there is no login', async () => {
      const { tokenUrl } = await start();
      const { code, words } = await examine(['--endpoint', tokenUrl], {});
      expect(words).toContain(`curl -X POST -H 'cookie: …' ${tokenUrl}/grant`);
      expect(words).toContain('headers.Authorization');
      expect(code).toBe(0);
    });

    it('recognizes the connections at a path of their own', async () => {
      const { url } = await startApp({
        platform,
        pica,
        controller: { connections: { path: 'accounts' } },
      });
      const { code, output, findings } = await examine(
        ['--endpoint', `${url}/accounts`, ...signedIn],
        {},
      );
      expect(findings).toEqual([
        '– Secret key',
        '✓ Connections',
        '✓ Other origins',
        '✓ Without login',
        '✓ With login',
        '✓ Headers',
      ]);
      expect(output).not.toContain('Preflight');
      expect(code).toBe(0);
    });
  },
);

describe('authkit-doctor and routes of pages that are open', () => {
  it('says when a page of another origin, or everybody, may read the connections', async () => {
    @Controller('authkit-connections')
    class Open {
      @Get()
      list() {
        return { rows: [], total: 0, pages: 0, page: 1 };
      }
    }
    const { url } = await startApp({
      pica,
      controllers: [Open],
      configure: (app) => app.enableCors({ origin: true, credentials: true }),
    });
    const { code, words, wrong } = await examine(
      ['--endpoint', `${url}/authkit-connections`],
      {},
    );
    expect(wrong).toEqual(['Other origins', 'Without login']);
    expect(words).toContain('Do not open this route by CORS');
    expect(words).toContain('status 200: connections for everybody');
    expect(code).toBe(1);
  });

  it('says when the url of a grant is not that of the token route', async () => {
    const { tokenUrl } = await startApp({
      pica,
      controller: { grants: true },
      options: { grant: { url: 'https://other.example/authkit-token' } },
    });
    const { words, wrong } = await examine(
      ['--endpoint', tokenUrl, '--header', 'cookie: sid=ada'],
      {},
    );
    expect(wrong[0]).toBe('Grant');
    expect(words).toContain('its url is not that of this token route');
    expect(words).not.toContain('other.example');
  });

  it('guesses no routes when the app answers every path', async () => {
    const url = await startServer((_, response) => {
      response.statusCode = 401;
      response.end('{"message":"Sign in"}');
    });
    const { output } = await examine(
      ['--endpoint', `${url}/authkit-token`],
      {},
    );
    expect(output).not.toContain('/grant');
    expect(output).not.toContain('authkit-connections');
  });
});

/** What the hand-written endpoints below inherit: a token, or an error, with all that the widget needs. */
abstract class HandWritten {
  constructor(
    @Inject(AuthKitTokenService) readonly tokens: AuthKitTokenService,
  ) {}
}

@Injectable()
class Wrap implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

const NO_STORE = ['Cache-Control', 'no-store'] as const;
const forWidget = (app: INestApplication) => app.enableCors({ origin: WIDGET });

/** An endpoint that is right. */
@Controller('authkit-token')
class Right extends HandWritten {
  @Post()
  @HttpCode(200)
  @Header(...NO_STORE)
  @UseGuards(SignInGuard, AuthKitIdentityGuard)
  token(@CurrentIdentity() identity: AuthKitIdentity) {
    return this.tokens.create(identity);
  }
}

@Controller('authkit-token')
@UseInterceptors(Wrap)
class Wrapped extends Right {}

@Controller('authkit-token')
class Stored extends HandWritten {
  @Post()
  @HttpCode(200)
  @UseGuards(SignInGuard, AuthKitIdentityGuard)
  token(@CurrentIdentity() identity: AuthKitIdentity) {
    return this.tokens.create(identity);
  }
}

/** Refuses without a text that the widget could show. */
@Injectable()
class SilentGuard extends SignInGuard {
  override canActivate(context: ExecutionContext): boolean {
    try {
      return super.canActivate(context);
    } catch {
      throw new HttpException({ code: 'no_session' }, 401);
    }
  }
}

@Controller('authkit-token')
@UseGuards(SilentGuard)
class Silent extends Right {}

@Controller('authkit-token')
class Created extends HandWritten {
  @Post()
  @Header(...NO_STORE)
  @UseGuards(SignInGuard, AuthKitIdentityGuard)
  token(@CurrentIdentity() identity: AuthKitIdentity) {
    return this.tokens.create(identity);
  }
}

/** Its headers are those of the handler, which a refused request does not reach. */
@Controller('authkit-token')
class NoCorsOnErrors extends HandWritten {
  @Options()
  @HttpCode(204)
  @Header('Access-Control-Allow-Origin', WIDGET)
  @Header('Access-Control-Allow-Headers', 'authorization, content-type')
  preflight() {}

  @Post()
  @HttpCode(200)
  @Header(...NO_STORE)
  @Header('Access-Control-Allow-Origin', WIDGET)
  @UseGuards(SignInGuard, AuthKitIdentityGuard)
  token(@CurrentIdentity() identity: AuthKitIdentity) {
    return this.tokens.create(identity);
  }
}

@Controller('authkit-token')
@UseGuards(SignInGuard)
class GuardedPreflight extends Right {
  @Options()
  @HttpCode(204)
  preflight() {}
}

@Controller('authkit-token')
class ErrorWith200 extends HandWritten {
  @Post()
  @HttpCode(200)
  @Header(...NO_STORE)
  async token(
    @Req() { headers }: { headers: Record<string, string | undefined> },
  ) {
    const [, identity] = /^Bearer (.+)/.exec(headers.authorization ?? '') ?? [];
    return identity
      ? this.tokens.create({ identity })
      : { error: 'Please sign in' };
  }
}

/** Sets CORS headers before guards, but lets OPTIONS reach the router. */
function forWidgetWithoutPreflight(app: INestApplication): void {
  app.enableCors({
    origin: WIDGET,
    allowedHeaders: 'authorization,content-type',
    preflightContinue: true,
  });
}

/** The URL of a port on which nothing listens any more. */
async function closedUrl(): Promise<string> {
  const other = await PicaEmulator.start();
  await other.stop();
  return other.url;
}

describe('authkit-doctor --endpoint with an endpoint written by hand', () => {
  /** The names of the findings that are wrong, in an app with this controller. */
  async function examineController(
    controller: Type,
    configure: (app: INestApplication) => void = forWidget,
    header = signedIn,
  ): Promise<Examined> {
    const { tokenUrl } = await startApp({
      pica,
      controller: false,
      controllers: [controller],
      configure,
    });
    return examine(['--endpoint', tokenUrl, ...header]);
  }

  it('says that nothing is wrong when it is right', async () => {
    const { code, wrong } = await examineController(Right);
    expect({ code, wrong }).toEqual({ code: 0, wrong: [] });
  });

  it.each<{
    broken: string;
    controller: Type;
    configure?: (app: INestApplication) => void;
    wrong: string[];
    fix: string;
  }>([
    {
      broken: 'wraps the token',
      controller: Wrapped,
      wrong: ['Token'],
      fix: 'An interceptor of the app wraps it',
    },
    {
      broken: 'answers 201',
      controller: Created,
      wrong: ['With login'],
      fix: 'Add @HttpCode(200)',
    },
    {
      broken: 'has no CORS headers on errors',
      controller: NoCorsOnErrors,
      configure: () => {},
      wrong: ['CORS of errors'],
      fix: 'with errors too, by middleware that runs before the guards',
    },
    {
      broken: 'allows every origin by *',
      controller: Right,
      configure: (app) => app.enableCors(),
      wrong: ['Other origins'],
      fix: `Allow ${WIDGET} alone`,
    },
    {
      broken: 'allows every origin by repeating it',
      controller: Right,
      configure: (app) => app.enableCors({ origin: true }),
      wrong: ['Other origins'],
      fix: `Allow ${WIDGET} alone`,
    },
    {
      broken: 'has OPTIONS behind the guard',
      controller: GuardedPreflight,
      configure: forWidgetWithoutPreflight,
      wrong: ['Preflight'],
      fix: 'A preflight carries no login: let OPTIONS pass',
    },
    {
      broken: 'sends errors with status 200',
      controller: ErrorWith200,
      wrong: ['Without login'],
      fix: 'Throw an error with status 401.',
    },
    {
      broken: 'lets the token be stored',
      controller: Stored,
      wrong: ['Headers'],
      fix: 'Send Cache-Control: no-store.',
    },
    {
      broken: 'sends errors without a message',
      controller: Silent,
      wrong: ['Without login'],
      fix: 'Send { "message": "…" } as JSON',
    },
    {
      broken: 'has no CORS at all',
      controller: Right,
      configure: () => {},
      wrong: ['Preflight', 'CORS of errors', 'Headers'],
      fix: 'Check the path',
    },
    {
      broken: 'does not allow the header',
      controller: Right,
      configure: (app) =>
        app.enableCors({ origin: WIDGET, allowedHeaders: ['content-type'] }),
      wrong: ['Preflight'],
      fix: 'Add authorization to the allowed headers.',
    },
  ])(
    'exits with code 1 and the fix when it $broken',
    async ({ controller, configure, wrong, fix }) => {
      const examined = await examineController(controller, configure);
      expect(examined.wrong).toEqual(wrong);
      expect(examined.words).toContain(fix);
      expect(examined.code).toBe(1);
    },
  );

  it('says when it gives everybody a token', async () => {
    @Controller('authkit-token')
    class Open extends HandWritten {
      @Post()
      @HttpCode(200)
      @Header(...NO_STORE)
      token() {
        return this.tokens.create({ identity: 'anonymous' });
      }
    }
    const { output, wrong } = await examineController(Open, forWidget, []);
    expect(wrong).toEqual(['Without login']);
    expect(output).toContain('a token for everybody');
  });

  it('says when it sends an error as the token', async () => {
    @Controller('authkit-token')
    @UseGuards(SignInGuard)
    class Failing {
      @Post()
      @HttpCode(200)
      @Header(...NO_STORE)
      token() {
        return { message: 'The upstream has failed' };
      }
    }
    const { output, wrong } = await examineController(Failing);
    expect(wrong).toEqual(['Token']);
    expect(output).toContain('It is an error with a status of success.');
  });

  it('says when it redirects to a login page, which is not followed', async () => {
    let visits = 0;
    @Controller()
    class Redirecting {
      @Post('authkit-token')
      token(@Res() response: { redirect(url: string): void }) {
        response.redirect('/login');
      }

      @Get('login')
      login() {
        visits += 1;
      }
    }
    const { output, wrong } = await examineController(Redirecting);
    expect(wrong).toEqual(['Without login', 'With login']);
    expect(output).toContain('answer 401 instead of a redirect');
    expect(visits).toBe(0);
  });

  it('says when nothing answers, or not in time', async () => {
    const hanging = await startServer(() => {});
    for (const [url, says] of [
      [await closedUrl(), 'no response (ECONNREFUSED)'],
      [hanging, 'no response within 300 ms'],
    ] as const) {
      const args = ['--endpoint', `${url}/authkit-token`, '--timeout', '300'];
      const { code, output, wrong } = await examine(args, {});
      expect(wrong).toEqual(['Endpoint']);
      expect(output).toContain(says);
      expect(code).toBe(1);
    }
  });

  it('prints nothing that the endpoint says, such as the header that it repeats', async () => {
    const echo = await startServer((request, response) => {
      const { authorization = '' } = request.headers;
      response.setHeader(
        'access-control-allow-origin',
        `https://${authorization.slice(7)}`,
      );
      response.setHeader('content-type', 'application/json');
      response.statusCode = authorization ? 500 : 401;
      response.end(JSON.stringify({ message: `\u001b[2J${authorization}` }));
    });
    const args = ['--header', 'Authorization: Bearer eyJhbGciOi'];
    const { output, errors } = await examine([
      ...['--endpoint', `${echo}/authkit-token?key=eyJhbGciOi`],
      ...args,
    ]);
    expect(output).toContain('Read the log of the app');
    expect(output + errors).not.toContain('eyJhbGciOi');
    expect(output).not.toContain('\u001b');
  });
});

describe('the arguments of authkit-doctor', () => {
  it('are described with --help', async () => {
    const { code, output } = await runCommand(['--help'], {});
    for (const option of ['endpoint', 'header', 'call', 'timeout', 'help']) {
      expect(output).toContain(`--${option} `);
    }
    expect(output.split('\n').length).toBeLessThanOrEqual(24);
    expect(code).toBe(0);
  });

  it.each([
    { args: ['--endpont', 'x'], says: "Unknown option '--endpont'" },
    { args: ['--endpoint', '/authkit-token'], says: '--endpoint: expected' },
    { args: ['--endpoint', 'http://a:b@c/'], says: '--endpoint: expected' },
    { args: ['--header', 'a: b'], says: '--header: expected together' },
    { args: ['--timeout', '0'], says: '--timeout: expected' },
    { args: ['--call', 'gmail', 'a/b'], says: '--call: expected' },
    { args: ['--identity', 'ada'], says: '--call: expected' },
    {
      args: ['--call', 'gmail', 'a/b', 'c', '--identity', 'ada'],
      says: 'There is an argument without an option',
    },
    {
      args: ['--endpoint', 'http://a/', '--header', 'eyJhbGciOi'],
      says: "--header: expected 'name: value'",
    },
    {
      args: ['--endpoint', 'http://a/', '--header', 'a:', 'eyJhbGciOi'],
      says: 'Put quotes around a header',
    },
    {
      args: ['--endpoint', 'http://a/', '--authorization: eyJhbGciOi'],
      says: 'Put quotes around a header',
    },
  ])(
    'exits with code 2 and the usage for $args, without quoting a header',
    async ({ args, says }) => {
      const { code, output, errors } = await examine(args);
      expect({ code, output }).toEqual({ code: 2, output: '' });
      expect(errors).toContain(says);
      expect(errors).toContain('Usage: authkit-doctor');
      expect(errors).not.toContain('eyJhbGciOi');
      expect(errors).not.toContain('    at ');
    },
  );
});
