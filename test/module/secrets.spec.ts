import { Agent, type IncomingMessage } from 'node:http';
import { inspect } from 'node:util';
import {
  ForbiddenException,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { EmulatorFault } from '../../lib/testing/index.js';
import {
  createApp,
  createTokenService,
  PLATFORMS,
  reasonOf,
  startApp,
  type TestOptions,
} from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { requestToken } from '../support/http.js';
import { captureOutput } from '../support/mocks.js';
import { startServer } from '../support/server.js';
import { until } from '../support/until.js';
import {
  attemptTimeoutOf,
  UPSTREAM_FAILURES,
} from '../support/upstream-failures.js';

const SECRET = 'sk_live_do_not_tell_anyone';
const BEARER = 'ada-bearer-7f3a';
const ADA = { identity: 'ada' };

const pica = useEmulator({ secretKey: SECRET });

const inspected = (value: unknown) =>
  inspect(value, { depth: 20, showHidden: true });

/** Responses that echo the secret key, or imitate a log line. */
const ECHOES: { name: string; fault: EmulatorFault }[] = [
  {
    name: 'echoes the key in an error',
    fault: { status: 500, body: { echo: SECRET } },
  },
  {
    name: 'echoes the key in HTML',
    fault: {
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: `<p>${SECRET}</p>`,
    },
  },
  {
    name: 'echoes the key in broken JSON',
    fault: { status: 200, body: `{"rows": "${SECRET}"` },
  },
  {
    name: 'echoes the key in a body that imitates a log line',
    fault: { status: 200, body: `forged "${SECRET}` },
  },
  {
    name: 'echoes the key as its correlation id',
    fault: { status: 500, headers: { 'x-one-correlation-id': SECRET } },
  },
  {
    name: 'echoes the key in a correlation id that imitates a log line',
    fault: {
      status: 503,
      headers: { 'x-one-correlation-id': `id   [Nest] forged ${SECRET}` },
    },
  },
];

describe('the secret key', () => {
  it.each([
    ...UPSTREAM_FAILURES,
    ...ECHOES.map((echo) => ({ ...echo, isTimeout: false })),
  ])(
    'is in no log line and no error when the upstream $name',
    async ({ fault, isTimeout }) => {
      const printed = captureOutput();
      const { tokens } = await createApp({
        pica,
        logs: ['verbose'],
        options: {
          secretKey: async () => SECRET,
          attemptTimeout: attemptTimeoutOf({ isTimeout }),
          retries: 0,
        },
      });
      pica.fault(fault);
      const error: unknown = await tokens
        .create({ identity: 'user-of-the-app-42' })
        .catch((error: unknown) => error);

      expect(error).toBeInstanceOf(Error);
      const { stack, cause } = error as Error;
      for (const text of [
        inspected(error),
        JSON.stringify(error),
        String(stack),
        inspected(cause),
      ]) {
        expect(text).not.toContain(SECRET);
        // Not the request either, whose headers axios attaches to its errors.
        expect(text).not.toMatch(/x-pica-secret/i);
      }
      expect(inspected(tokens)).not.toContain(SECRET);
      expect(printed()).not.toContain(SECRET);
      expect(printed()).not.toContain('user-of-the-app-42');
      expect(printed()).not.toContain('forged');
      expect(printed().match(/No token/g)).toHaveLength(1);
    },
  );

  it.each([
    ['the agents of the module', undefined],
    ['an agent of the app', () => new Agent({ keepAlive: true })],
  ])(
    'does not show in the inspected service during a request with %s',
    async (_name, createAgent) => {
      const httpAgent = createAgent?.();
      afterTest(() => httpAgent?.destroy());
      const tokens = await createTokenService(pica, { http: { httpAgent } });
      await tokens.create(ADA);
      pica.reset();
      pica.fault({ hang: true });
      const caller = new AbortController();
      const token = tokens.create(ADA, caller).catch(() => {});
      await until(() => pica.requests.length >= 2);
      const shown = inspected(tokens);
      caller.abort();
      await token;
      // Not toContain(): its message would print the megabytes of an agent.
      expect(shown.includes(SECRET)).toBe(false);
    },
  );

  it.each([
    ['throws', () => Promise.reject(new Error(`vault: ${SECRET}`))],
    ['returns it with a line break', () => `${SECRET}\n`],
    ['returns it in quotes', () => `"${SECRET}"`],
  ])(
    'is in no log line and no error when the function that returns it %s',
    async (_name, secretKey) => {
      const printed = captureOutput();
      const { tokens } = await createApp({
        pica,
        logs: true,
        options: { secretKey },
      });
      const error: unknown = await tokens
        .create(ADA)
        .catch((error: unknown) => error);
      expect(inspected(error)).toContain('AuthKitException');
      expect(printed()).toContain('No token');
      expect(printed() + inspected(error)).not.toContain(SECRET);
    },
  );

  it.each([
    ['the key in quotes', `"${SECRET}"`, /returned a string with quotes/],
    ['the publishable key', `pk_${SECRET}`, /returned a publishable key/],
    ['nothing', undefined, /returned nothing; expected the secret key/],
  ])(
    'fails the token as secret_rejected, without a request, when the function returns %s, and the log line says so',
    async (_name, returned, line) => {
      const printed = captureOutput();
      const { tokens } = await createApp({
        pica,
        logs: true,
        options: { secretKey: () => returned as string },
      });
      expect(await reasonOf(tokens.create(ADA))).toBe('secret_rejected');
      expect(printed()).toMatch(line);
      expect(printed()).not.toContain(SECRET);
      expect(pica.requests).toHaveLength(0);
    },
  );

  it('does not show in the service that is inspected or serialised when it is a string of the options', async () => {
    const tokens = await createTokenService(pica);
    expect(inspected(tokens)).not.toContain(SECRET);
    expect(JSON.stringify(tokens, omitCycles())).not.toContain(SECRET);
  });
});

describe('the log line of a failed token', () => {
  it('has reason, host and path, upstream status, correlation id, attempts and duration', async () => {
    const printed = captureOutput();
    const { tokens } = await createApp({
      pica,
      logs: true,
      options: { retries: 1 },
    });
    pica.fault({
      path: '/v1/authkit',
      status: 503,
      headers: { 'x-one-correlation-id': 'abc-123', 'retry-after': '0' },
    });
    await tokens.create(ADA).catch(() => {});
    expect(printed()).toMatch(
      /No token: unavailable \(127\.0\.0\.1:\d+\/v1\/authkit, upstream status 503, correlation id abc-123, retry after 0 s, attempts 2, \d+ ms\)/,
    );
    expect(printed().trim().split('\n')).toHaveLength(1);
  });
});

describe.each(PLATFORMS)('the token endpoint on %s', (platform) => {
  const startWith = (identity: TestOptions['identity']) =>
    startApp({ pica, platform, logs: true, options: { identity } });

  it('answers with the HttpException that an identity extractor throws', async () => {
    captureOutput();
    const { tokenUrl } = await startWith(() => {
      throw new ForbiddenException('Not on your plan');
    });
    const response = await requestToken(tokenUrl);
    expect(response.status).toBe(403);
    expect(response.body.message).toBe('Not on your plan');
    expect(pica.requests).toHaveLength(0);
  });

  it('answers 500 and logs the error when an identity extractor throws any other error', async () => {
    const printed = captureOutput();
    const { tokenUrl } = await startWith(() => {
      throw new Error('database at 10.0.0.7 is down');
    });
    const response = await requestToken(tokenUrl);
    expect(response.status).toBe(500);
    expect(response.text).not.toContain('10.0.0.7');
    expect(printed()).toContain('10.0.0.7');
    expect(pica.requests).toHaveLength(0);
  });

  it('passes the bearer token of the request neither to the upstream nor to the log', async () => {
    @Injectable()
    class AnyBearerGuard implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        context.switchToHttp().getRequest().user = { id: 'ada' };
        return true;
      }
    }
    const printed = captureOutput();
    const { tokenUrl } = await startApp({
      pica,
      platform,
      logs: true,
      controller: { guards: [AnyBearerGuard] },
    });
    pica.fault({ path: '/v1/authkit', times: 1, status: 401 });
    for (const expected of [502, 200]) {
      const response = await requestToken(tokenUrl, {
        headers: { authorization: `Bearer ${BEARER}` },
      });
      expect(response.status).toBe(expected);
      expect(response.text).not.toContain(BEARER);
    }
    expect(printed()).toContain('No token');
    expect(printed()).not.toContain(BEARER);
    expect(inspect(pica.requests, { depth: 5 })).not.toContain(BEARER);
  });

  it('keeps the identities and keys of 120 concurrent requests apart when each tenant has a key', async () => {
    const wait = () =>
      new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
    const upstream = await startServer(async (request, response) => {
      const { identity, page, key } = await readRequest(request);
      const body = page
        ? {
            rows: [{ id: `${identity}/${page}`, key }],
            total: 3,
            pages: 3,
            page,
            requestId: identity,
          }
        : { authkitWhitelist: false };
      await wait();
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(body));
    });
    const { tokenUrl } = await startApp({
      platform,
      options: {
        baseUrl: upstream,
        async secretKey(owner) {
          await wait();
          return `sk_test_of_${owner?.identity}`;
        },
      },
    });
    const users = Array.from({ length: 120 }, (_, n) => `user-${n % 40}-${n}`);
    const responses = await Promise.all(
      users.map((user) =>
        requestToken(tokenUrl, {
          headers: { authorization: `Bearer ${user}` },
        }),
      ),
    );
    responses.forEach(({ body }, n) => {
      const [user, key] = [users[n], `sk_test_of_${users[n]}`];
      expect(body.requestId).toBe(user);
      expect(body.rows).toEqual([
        { id: `${user}/1`, key },
        { id: `${user}/2`, key },
        { id: `${user}/3`, key },
      ]);
    });
  }, 20_000);
});

async function readRequest(request: IncomingMessage) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { identity } = JSON.parse(String(Buffer.concat(chunks)) || '{}') as {
    identity?: string;
  };
  const { searchParams } = new URL(request.url!, 'http://upstream');
  return {
    identity,
    page: Number(searchParams.get('page')),
    key: request.headers['x-pica-secret'],
  };
}

/** A replacer that omits objects that it has met before. */
function omitCycles() {
  const seen = new WeakSet<object>();
  return (_key: string, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return undefined;
    seen.add(value);
    return value;
  };
}
