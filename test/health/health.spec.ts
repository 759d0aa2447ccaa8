import { jest } from '@jest/globals';
import { Controller, Get, Inject } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  TerminusModule,
} from '@nestjs/terminus';
import { AuthKitHealthIndicator } from '../../lib/index.js';
import {
  createApp,
  reasonOf,
  startApp,
  type TestOptions,
} from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { startEmulator, useEmulator } from '../support/emulator.js';
import { readResponse, requestToken } from '../support/http.js';
import { advanceClock, captureOutput } from '../support/mocks.js';
import { runInNode } from '../support/run-in-node.js';

const ADA = { identity: 'ada' };

describe('AuthKitHealthIndicator', () => {
  const pica = useEmulator();
  const one = useEmulator({ vendor: 'one' });

  const create = async (
    options: TestOptions = {},
    upstream: Pick<typeof pica, 'secretKey' | 'url' | 'vendor'> = pica,
  ) => {
    const app = await createApp({
      pica: upstream,
      options: { retries: 0, ...options },
      logs: ['error', 'warn', 'debug'],
    });
    return {
      ...app,
      tokens: app.tokens,
      health: app.get(AuthKitHealthIndicator),
    };
  };

  describe('check()', () => {
    it('is up before the first call, and calls and logs nothing', async () => {
      const { health } = await create();
      const output = captureOutput();
      expect(health.check()).toEqual({ authkit: { status: 'up' } });
      expect(health.check('pica')).toEqual({ pica: { status: 'up' } });
      expect(pica.requests).toHaveLength(0);
      expect(output()).toBe('');
    });

    it.each([
      ['500', { status: 500 }, 'unavailable'],
      ['401', { status: 401 }, 'secret_rejected'],
      ['402', { status: 402 }, 'quota_exceeded'],
      ['broken JSON', { malformed: true }, 'malformed'],
    ] as const)(
      'is down after a token has failed with %s, and up after the next success',
      async (_, fault, reason) => {
        captureOutput();
        const { tokens, health } = await create();
        pica.fault({ path: '/v1/authkit', ...fault });
        await reasonOf(tokens.create(ADA));
        expect(health.check().authkit).toMatchObject({
          status: 'down',
          reason,
          lastFailure: expect.stringMatching(/^\d{4}-.*Z$/),
        });
        pica.reset();
        await tokens.create(ADA);
        expect(health.check().authkit).toMatchObject({
          status: 'up',
          lastSuccess: expect.stringMatching(/^\d{4}-.*Z$/),
        });
      },
    );

    it('is down after a token has timed out', async () => {
      captureOutput();
      const { tokens, health } = await create({ timeout: 100 });
      pica.fault({ path: '/v1/authkit', hang: true });
      await reasonOf(tokens.create(ADA));
      expect(health.check().authkit).toMatchObject({
        status: 'down',
        reason: 'timed_out',
      });
    });

    it('is up again 30 s after the last failure, since a request may never come, whatever the wall clock is set to', async () => {
      captureOutput();
      const { tokens, health } = await create();
      pica.fault({ path: '/v1/authkit', status: 500 });
      await reasonOf(tokens.create(ADA));
      expect(health.check().authkit.status).toBe('down');
      const hourAgo = Date.now() - 3_600_000;
      const clock = jest.spyOn(Date, 'now').mockReturnValue(hourAgo);
      afterTest(() => clock.mockRestore());
      advanceClock(30_000);
      expect(health.check().authkit.status).toBe('up');
    });

    it("stays up while one tenant's key is refused", async () => {
      captureOutput();
      const { tokens, health } = await create({
        secretKey: (identity) =>
          identity?.tenant === 'bad' ? 'sk_live_bad' : pica.secretKey,
      });
      const bad = tokens.create({ ...ADA, tenant: 'bad' });
      expect(await reasonOf(bad)).toBe('secret_rejected');
      expect(health.check().authkit.status).toBe('up');
    });

    it('stays up where the caller is at fault, or a function of the app throws', async () => {
      captureOutput();
      const { tokens, health } = await create({
        connection: () => {
          throw new Error('database');
        },
      });
      await reasonOf(tokens.create({ identity: '\n' }));
      await reasonOf(tokens.create(ADA));
      expect(health.check().authkit.status).toBe('up');
    });
  });

  describe('ping()', () => {
    it.each([
      ['pica', '/v1/users/flags'],
      ['one', '/v1/users/whoami'],
    ] as const)(
      'makes one call to %s and creates no token',
      async (vendor, path) => {
        const upstream = await startEmulator({ vendor });
        const { health } = await create({}, upstream);
        const { authkit } = await health.ping();
        expect(authkit.status).toBe('up');
        expect(upstream.requests.map((each) => each.path)).toEqual([path]);
      },
    );

    it('makes one call and no retry where the call fails, and is down', async () => {
      captureOutput();
      const { health } = await create({ retries: 5 });
      pica.fault({ status: 503 });
      expect(await health.ping('pica')).toEqual({
        pica: {
          status: 'down',
          lastFailure: expect.any(String),
          reason: 'unavailable',
          upstreamStatus: 503,
          correlationId: expect.any(String),
        },
      });
      expect(pica.requests).toHaveLength(1);
    });

    it.each(['secretKey', 'scope'] as const)(
      'passes the identity to the function %s, and calls nothing and says so without one',
      async (option) => {
        const functions = {
          secretKey: () => one.secretKey,
          scope: () => ({ organizationId: 'org-1' }),
        };
        const { health } = await create({ [option]: functions[option] }, one);
        const { authkit } = await health.ping();
        expect(authkit).toMatchObject({
          status: 'down',
          message: expect.stringMatching(/Nothing was called.*identity/),
        });
        expect(one.requests).toHaveLength(0);
        expect(await health.ping('authkit', { identity: ADA })).toMatchObject({
          authkit: { status: 'up' },
        });
        expect(one.requests).toHaveLength(1);
      },
    );

    it('never shows the secret key', async () => {
      const output = captureOutput();
      const { health } = await create();
      pica.fault({ status: 401, body: pica.secretKey });
      const result = await health.ping();
      expect(JSON.stringify(result) + output()).not.toContain(pica.secretKey);
    });
  });

  describe('in a health route of terminus 12', () => {
    @Controller('health')
    class HealthController {
      constructor(
        @Inject(HealthCheckService) private readonly health: HealthCheckService,
        @Inject(AuthKitHealthIndicator)
        private readonly authKit: AuthKitHealthIndicator,
      ) {}

      @Get()
      @HealthCheck()
      ready() {
        return this.health.check([
          () => this.authKit.check(),
          () => this.authKit.ping('ping'),
        ]);
      }
    }

    it('responds with 200 while Pica works, and with 503 and the reason after it has failed', async () => {
      const { url, tokenUrl } = await startApp({
        pica,
        options: { retries: 0 },
        isGlobal: true,
        imports: [TerminusModule.forRoot({ logger: false })],
        controllers: [HealthController],
      });
      const up = await readResponse(await fetch(`${url}/health`));
      expect(up.status).toBe(200);
      expect(up.body.info.authkit.status).toBe('up');

      pica.fault({ status: 401 });
      await requestToken(tokenUrl);
      const down = await readResponse(await fetch(`${url}/health`));
      expect(down.status).toBe(503);
      expect(down.body.error).toMatchObject({
        authkit: { status: 'down', reason: 'secret_rejected' },
        ping: { status: 'down', reason: 'secret_rejected' },
      });
    });
  });

  it('works in a health route of terminus 11: 200, then 503', async () => {
    const printed = await runInNode('terminus-11.ts', pica.url, pica.secretKey);
    const [up, down] = JSON.parse(printed);
    expect(up).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(down).toMatchObject({
      status: 503,
      body: {
        error: { authkit: { status: 'down', reason: 'secret_rejected' } },
      },
    });
  }, 60_000);
});
