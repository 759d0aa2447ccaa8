import { Agent, createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import {
  ConsoleLogger,
  ForbiddenException,
  Injectable,
  Module,
  type ExecutionContext,
} from '@nestjs/common';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { AuthKitModule, AuthKitTokenService } from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { captureOutput } from '../support/output.js';
import { createApp, PLATFORMS, runApp, stopApps } from '../support/run-app.js';
import { SignInGuard } from '../support/sign-in.guard.js';
import { until } from '../support/until.js';
import { askForToken } from '../support/widget.js';

const SECRET = 'sk_live_do_not_tell_anyone';
const BEARER = 'ada-bearer-7f3a';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start({ secretKey: SECRET });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await stopApps();
  pica.reset();
});
afterAll(() => pica.stop());

type Fault = Parameters<PicaEmulator['fault']>[0];

const EVERYTHING_WRONG: Fault[] = [
  { status: 401 },
  { status: 500, body: { echo: SECRET } },
  {
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: `<p>${SECRET}</p>`,
  },
  { status: 200, body: `{"rows": "${SECRET}"` },
  { reset: true },
  { hang: true },
  { status: 500, headers: { 'x-one-correlation-id': SECRET } },
  { status: 200, body: `forged "${SECRET}` },
  {
    status: 503,
    headers: {
      'x-one-correlation-id': `id\r\n [Nest] forged ${SECRET}`.replace(
        /[\r\n]/g,
        ' ',
      ),
    },
  },
];

describe('the secret key', () => {
  it.each(EVERYTHING_WRONG)(
    'is in nothing that leaves the service when Pica does %j',
    async (fault) => {
      const printed = captureOutput();
      @Module({
        imports: [
          AuthKitModule.forRoot({
            secretKey: async () => SECRET,
            baseUrl: pica.url,
            timeout: 300,
            retries: 0,
          }),
        ],
      })
      class App {}
      const app = await createApp('Express', App, { logs: true });
      app.useLogger(new ConsoleLogger({ logLevels: ['verbose'] }));
      const tokens = app.get(AuthKitTokenService, { strict: false });
      pica.fault(fault);
      const failure: unknown = await tokens
        .create({ identity: 'user-of-the-app-42' })
        .catch((error: unknown) => error);

      const shown = [
        printed(),
        inspect(failure, { depth: 20, showHidden: true }),
        JSON.stringify(failure),
        String((failure as Error).stack),
        inspect((failure as Error).cause, { depth: 20, showHidden: true }),
        inspect(tokens, { depth: 4 }),
      ];
      for (const text of shown) {
        expect(text).not.toContain(SECRET);
        expect(text).not.toContain('X-Pica-Secret: ');
      }
      expect(printed()).not.toContain('user-of-the-app-42');
      expect(printed()).not.toContain('forged');
      expect(printed().match(/No token/g)).toHaveLength(1);
    },
  );

  it.each([
    ['our own agents', undefined],
    ['an agent of the app', new Agent({ keepAlive: true })],
  ])(
    'is not shown by the service while a call runs, with %s',
    async (_name, httpAgent) => {
      @Module({
        imports: [
          AuthKitModule.forRoot({
            secretKey: SECRET,
            baseUrl: pica.url,
            http: { httpAgent },
          }),
        ],
      })
      class App {}
      const app = await createApp('Express', App);
      const tokens = app.get(AuthKitTokenService, { strict: false });
      await tokens.create({ identity: 'ada' });
      pica.reset();
      pica.fault({ hang: true });
      const caller = new AbortController();
      const token = tokens.create({ identity: 'ada' }, caller).catch(() => {});
      await until(() => pica.requests.length >= 2);
      const shown = inspect(tokens, { depth: 20, showHidden: true });
      caller.abort();
      await token;
      httpAgent?.destroy();
      expect(shown.includes(SECRET)).toBe(false);
    },
  );

  it.each([
    ['throws', () => Promise.reject(new Error(`vault: ${SECRET}`))],
    ['gives it with a line break', () => `${SECRET}\n`],
  ])(
    'is not shown where the function that gives it %s',
    async (_name, secretKey) => {
      const printed = captureOutput();
      @Module({ imports: [AuthKitModule.forRoot({ secretKey })] })
      class App {}
      const app = await createApp('Express', App, { logs: true });
      const tokens = app.get(AuthKitTokenService, { strict: false });
      const failure: unknown = await tokens
        .create({ identity: 'ada' })
        .catch((error: unknown) => error);
      const shown = inspect(failure, { depth: 20, showHidden: true });
      expect(shown).toContain('AuthKitException');
      expect(printed() + shown).not.toContain(SECRET);
    },
  );

  it('fixed in the options is not shown by the service', async () => {
    @Module({ imports: [AuthKitModule.forRoot({ secretKey: SECRET })] })
    class App {}
    const app = await createApp('Express', App);
    const tokens = app.get(AuthKitTokenService, { strict: false });
    expect(inspect(tokens, { depth: 4, showHidden: true })).not.toContain(
      SECRET,
    );
    expect(JSON.stringify(tokens, ignoreCircles())).not.toContain(SECRET);
  });
});

describe('log lines', () => {
  it('tell reason, upstream status, correlation id, attempts and duration, in one line a token', async () => {
    const printed = captureOutput();
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: SECRET,
          baseUrl: pica.url,
          retries: 1,
        }),
      ],
    })
    class App {}
    const app = await createApp('Express', App, { logs: true });
    pica.fault({
      path: '/v1/authkit',
      status: 503,
      headers: { 'x-one-correlation-id': 'abc-123', 'retry-after': '0' },
    });
    await app
      .get(AuthKitTokenService, { strict: false })
      .create({ identity: 'ada' })
      .catch(() => {});
    expect(printed()).toMatch(
      /No token: unavailable \(upstream status 503, correlation id abc-123, retry after 0 s, attempts 2, \d+ ms\)/,
    );
    expect(printed().trim().split('\n')).toHaveLength(1);
  });
});

describe.each(PLATFORMS)('on %s', (platform) => {
  it('an extractor’s own HttpException is the answer, and any other error is a plain 500', async () => {
    const printed = captureOutput();
    const start = (
      identity: (request: object, context: ExecutionContext) => string,
    ) => {
      @Module({
        imports: [
          AuthKitModule.forRoot({
            secretKey: SECRET,
            baseUrl: pica.url,
            identity,
            controller: { guards: [SignInGuard] },
          }),
        ],
      })
      class App {}
      return runApp(platform, App, () => {}, { logs: true });
    };
    const forbidding = await start(() => {
      throw new ForbiddenException('Not on your plan');
    });
    const failing = await start(() => {
      throw new Error('database at 10.0.0.7 is down');
    });
    const forbidden = await askForToken(`${forbidding}/authkit-token`);
    expect(forbidden.status).toBe(403);
    expect(forbidden.body.message).toBe('Not on your plan');
    const failed = await askForToken(`${failing}/authkit-token`);
    expect(failed.status).toBe(500);
    expect(failed.text).not.toContain('10.0.0.7');
    expect(printed()).toContain('10.0.0.7');
    expect(pica.requests).toHaveLength(0);
  });

  it('the caller’s bearer goes nowhere', async () => {
    const printed = captureOutput();
    @Injectable()
    class AnyBearer extends SignInGuard {
      override canActivate(context: ExecutionContext): boolean {
        context.switchToHttp().getRequest().user = { id: 'ada' };
        return true;
      }
    }
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: SECRET,
          baseUrl: pica.url,
          controller: { guards: [AnyBearer] },
        }),
      ],
    })
    class App {}
    const url = await runApp(platform, App, () => {}, { logs: true });
    pica.fault({ path: '/v1/authkit', times: 1, status: 401 });
    for (const expected of [502, 200]) {
      const answer = await askForToken(`${url}/authkit-token`, {
        headers: { authorization: `Bearer ${BEARER}` },
      });
      expect(answer.status).toBe(expected);
      expect(answer.text).not.toContain(BEARER);
    }
    expect(printed()).not.toContain(BEARER);
    expect(inspect(pica.requests, { depth: 5 })).not.toContain(BEARER);
  });
});

describe('tenants with a key each, at the same time', () => {
  /** Answers with the identity and the key that it was asked with. */
  let mirror: Server;
  beforeAll(async () => {
    mirror = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const key = request.headers['x-pica-secret'];
        const { identity } = JSON.parse(
          Buffer.concat(chunks).toString() || '{}',
        ) as { identity?: string };
        const page = new URL(request.url!, 'http://mirror').searchParams.get(
          'page',
        );
        const body = page
          ? {
              rows: [{ id: `${identity}/${page}`, key }],
              total: 3,
              pages: 3,
              page: Number(page),
              requestId: identity,
            }
          : { authkitWhitelist: false };
        setTimeout(() => {
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify(body));
        }, Math.random() * 10);
      });
    });
    await new Promise<void>((done) => mirror.listen(0, '127.0.0.1', done));
  });
  afterAll(
    () =>
      new Promise((done) => {
        mirror.closeAllConnections();
        mirror.close(done);
      }),
  );

  it.each(PLATFORMS)(
    'never see each other’s identity or key on %s',
    async (platform) => {
      @Module({
        imports: [
          AuthKitModule.forRoot({
            secretKey: async (who) => {
              await new Promise((resolve) =>
                setTimeout(resolve, Math.random() * 10),
              );
              return `sk_test_of_${who?.identity}`;
            },
            baseUrl: `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`,
            controller: { guards: [SignInGuard] },
          }),
        ],
      })
      class App {}
      const url = await runApp(platform, App);
      const users = Array.from(
        { length: 120 },
        (_, n) => `user-${n % 40}-${n}`,
      );
      const answers = await Promise.all(
        users.map((user) =>
          askForToken(`${url}/authkit-token`, {
            headers: { authorization: `Bearer ${user}` },
          }),
        ),
      );
      answers.forEach(({ body }, n) => {
        const [user, key] = [users[n], `sk_test_of_${users[n]}`];
        expect(body.requestId).toBe(user);
        expect(body.rows).toEqual([
          { id: `${user}/1`, key },
          { id: `${user}/2`, key },
          { id: `${user}/3`, key },
        ]);
      });
    },
  );
});

/** A replacer that leaves out what was seen before. */
function ignoreCircles() {
  const seen = new WeakSet<object>();
  return (_key: string, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return undefined;
    seen.add(value);
    return value;
  };
}
