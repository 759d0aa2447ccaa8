import { performance } from 'node:perf_hooks';
import { jest } from '@jest/globals';
import {
  UnauthorizedException,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import {
  AuthKitTokenService,
  ExtractIdentity,
  type AuthKitModuleOptions,
} from '../../lib/index.js';
import { createApp, PLATFORMS, startApp } from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { setEnvironment } from '../support/environment.js';
import { requestToken } from '../support/http.js';
import { captureOutput, captureWarnings } from '../support/mocks.js';

const pica = useEmulator({ integrations: 3 });
const ADA = { identity: 'ada' };

/** A guard that sets the user which a header has in JSON. */
@Injectable()
class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest();
    const user = request.headers['x-test-user'];
    Object.assign(request, JSON.parse(request.headers['x-test-other'] ?? '{}'));
    if (user === 'stranger') throw new UnauthorizedException();
    if (user !== undefined) request.user = JSON.parse(user);
    return true;
  }
}

describe.each(PLATFORMS)('a request without an identity on %s', (platform) => {
  const start = async (
    identity?: AuthKitModuleOptions['identity'],
    path = 'authkit-token',
  ) => {
    const { url } = await startApp({
      pica,
      platform,
      options: { identity },
      controller: { guards: [UserGuard], path },
      configure: (app) => app.setGlobalPrefix('api'),
    });
    return async (user?: unknown) => {
      const response = await requestToken(`${url}/api/${path}`, {
        headers:
          user === undefined
            ? {}
            : {
                'x-test-user':
                  user === 'stranger' ? user : JSON.stringify(user),
              },
      });
      return response.status;
    };
  };

  it('is logged as a warning with the route, the names of the properties of request.user and the fix', async () => {
    const warnings = captureWarnings();
    const request = await start();
    const user = { userId: 'ada-7f3a', email: 'ada@a.example' };
    expect(await request(user)).toBe(401);
    expect(warnings).toEqual([
      expect.stringMatching(
        /POST \/api\/authkit-token: .*reads request\.user\.id, then request\.user\.sub; request\.user has the properties email, userId\. .*identity: ExtractIdentity\.fromUser\('userId'\)/,
      ),
    ]);
    expect(warnings.join()).not.toMatch(/ada/);
  });

  it('is logged as a warning that no guard has set request.user, when none has', async () => {
    const warnings = captureWarnings();
    const request = await start(ExtractIdentity.fromUser('userId'));
    expect(await request()).toBe(401);
    expect(warnings).toEqual([
      expect.stringMatching(
        /reads request\.user\.userId; no guard has set request\.user\. Add the guard/,
      ),
    ]);
  });

  it.each([
    [{ account: { email: 'ada@a.example', id: 'ada' } }, 'request.account.id'],
    [{ session: { cookie: {}, userId: 'ada' } }, 'request.session.userId'],
  ])(
    'is logged with the function to write if a guard has set %j instead of request.user',
    async (other, id) => {
      const warnings = captureWarnings();
      const { tokenUrl } = await startApp({
        pica,
        platform,
        controller: { guards: [UserGuard] },
      });
      const headers = { 'x-test-other': JSON.stringify(other) };
      expect((await requestToken(tokenUrl, { headers })).status).toBe(401);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain(`identity: (request) => ${id}.`);
      expect(warnings[0]).not.toMatch(/ada/);
    },
  );

  it('is logged once for each shape of request.user, whatever its values', async () => {
    const warnings = captureWarnings();
    const request = await start();
    for (const name of ['ada', 'bob', 'eve']) {
      await request({ userId: name });
      await request({ name, userId: name });
      await request();
    }
    expect(warnings).toHaveLength(3);
  });

  it('is not logged when a guard has refused it', async () => {
    const warnings = captureWarnings();
    const request = await start();
    expect(await request('stranger')).toBe(401);
    expect(warnings).toEqual([]);
  });

  it('causes at most 20 lines an hour, each of bounded length and without line breaks', async () => {
    const warnings = captureWarnings();
    const request = await start();
    for (let count = 0; count < 30; count += 1) {
      const name = `\n[forged] ${count} ${'x'.repeat(500)}`;
      await request({ [name]: 1 });
    }
    expect(warnings.length).toBeGreaterThan(0);
    expect(warnings.length).toBeLessThanOrEqual(20);
    for (const line of warnings) {
      expect(line.length).toBeLessThan(700);
      expect(line).not.toContain('\n');
    }
  });

  it('names the property of the tenant when that is missing', async () => {
    const warnings = captureWarnings();
    const request = await start(
      ExtractIdentity.fromUser('id', 'user', { tenant: 'orgId' }),
    );
    await request({ id: 'ada', organization: 7 });
    expect(warnings).toEqual([
      expect.stringMatching(
        /reads request\.user\.id and request\.user\.orgId; .*organization.*\{ tenant: 'property' \}/,
      ),
    ]);
  });

  it('names what an extractor of the app or of a header reads', async () => {
    const warnings = captureWarnings();
    await (
      await start(() => undefined)
    )({ id: 'ada' });
    await (
      await start(ExtractIdentity.fromHeader('X-User'))
    )();
    await (
      await start(
        ExtractIdentity.fromExtractors([
          ExtractIdentity.fromHeader('X-User'),
          ExtractIdentity.fromUser('uid'),
        ]),
      )
    )();
    expect(warnings).toEqual([
      expect.stringContaining('reads what its function returns'),
      expect.stringContaining('reads the header x-user;'),
      expect.stringContaining('the header x-user, then request.user.uid;'),
    ]);
  });

  it('has a numeric id: message and log line say how to convert it', async () => {
    const warnings = captureWarnings();
    const request = await start();
    for (const id of [42, 43]) expect(await request({ id })).toBe(400);
    expect(warnings).toEqual([
      expect.stringMatching(
        /POST \/api\/authkit-token: .*identity must be a string, not a number: convert it .*String\(user\.id\)/,
      ),
    ]);
  });

  it('has a numeric id: each route of the app is named', async () => {
    const warnings = captureWarnings();
    const { url } = await startApp({
      pica,
      platform,
      controller: { guards: [UserGuard], connections: true },
    });
    const headers = { 'x-test-user': JSON.stringify({ id: 42 }) };
    for (const path of ['authkit-connections', 'authkit-connections/1']) {
      await fetch(`${url}/${path}`, { headers });
    }
    expect(warnings).toEqual([
      expect.stringMatching(/^GET \/authkit-connections: /),
      expect.stringMatching(/^GET \/authkit-connections\/:id: /),
    ]);
  });

  it('has an id that is no identity: nothing is logged, the response says it all', async () => {
    const warnings = captureWarnings();
    const request = await start();
    expect(await request({ id: 'x'.repeat(300) })).toBe(400);
    expect(warnings).toEqual([]);
  });
});

describe('a numeric id', () => {
  it.each([42, 7n, { _id: 1 }])(
    'as %p is refused with the advice to convert it',
    async (identity) => {
      const { tokens } = await createApp({ pica });
      await expect(
        tokens.create({ identity: identity as never }),
      ).rejects.toMatchObject({
        reason: 'invalid_identity',
        message: expect.stringMatching(/must be a string.*String\(user\.id\)/),
      });
    },
  );
});

describe('a token without an owner', () => {
  it.each(['create', 'createJson'] as const)(
    'is logged as a warning once when %s() was given undefined',
    async (method) => {
      const warnings = captureWarnings();
      const { tokens } = await createApp({ pica });
      for (let count = 0; count < 3; count += 1)
        await tokens[method](undefined);
      expect(warnings).toEqual([
        expect.stringMatching(/create\(undefined\).*no owner/),
      ]);
    },
  );

  it('is not logged when create() and createJson() were called without arguments', async () => {
    const warnings = captureWarnings();
    const { tokens } = await createApp({ pica });
    await tokens.create();
    await tokens.createJson();
    await tokens.create(ADA);
    expect(warnings).toEqual([]);
  });
});

describe('an empty list of integrations', () => {
  it('is logged as a warning once, with both causes and the environment of the key', async () => {
    pica.integrations = 0;
    const warnings = captureWarnings();
    const { tokens } = await createApp({ pica });
    for (let count = 0; count < 3; count += 1) await tokens.create(ADA);
    expect(warnings).toEqual([
      expect.stringMatching(
        /lists no integrations.*dashboard.*other environment \(it is an sk_test_… key\)/,
      ),
    ]);
    expect(warnings.join()).not.toContain(pica.secretKey);
  });

  it('is logged once for a secret key, however many tenants of the app share it', async () => {
    pica.integrations = 0;
    const warnings = captureWarnings();
    const { tokens } = await createApp({ pica });
    for (const tenant of ['acme', 'globex']) {
      await tokens.create({ identity: `${tenant}-ada`, tenant });
    }
    expect(warnings).toHaveLength(1);
  });

  it('is logged again after an hour', async () => {
    pica.integrations = 0;
    const warnings = captureWarnings();
    const { tokens } = await createApp({ pica });
    await tokens.create(ADA);
    const now = performance.now();
    const spy = jest
      .spyOn(performance, 'now')
      .mockImplementation(() => now + 3_700_000);
    afterTest(() => spy.mockRestore());
    await tokens.create(ADA);
    expect(warnings).toHaveLength(2);
  });

  it('is not logged when allowIntegration has emptied it or the page is beyond the last one', async () => {
    const warnings = captureWarnings();
    const { tokens } = await createApp({
      pica,
      options: { allowIntegration: () => false },
    });
    expect((await tokens.create(ADA)).rows).toEqual([]);
    expect((await tokens.create(ADA, { page: 9 })).rows).toEqual([]);
    expect(warnings).toEqual([]);
  });
});

describe('a secret key that the vendor refuses', () => {
  const logOf = async (settings: Parameters<typeof createApp>[0]) => {
    const printed = captureOutput();
    const { tokens } = await createApp({ pica, logs: true, ...settings });
    await (tokens as AuthKitTokenService).create(ADA).catch(() => {});
    return printed();
  };

  it.each<[string, () => AuthKitModuleOptions['secretKey'], RegExp]>([
    [
      'PICA_SECRET_KEY',
      () => {
        setEnvironment({ PICA_SECRET_KEY: 'sk_test_wrong' });
        return 'sk_test_wrong';
      },
      /secret_rejected .*check PICA_SECRET_KEY, .*A new key may need a minute/,
    ],
    [
      'the option',
      () => 'sk_test_wrong',
      /secret_rejected .*check the option secretKey of the registration "acme", /,
    ],
    [
      'the function',
      () => () => 'sk_test_wrong',
      /secret_rejected .*check what the secretKey function of the registration "acme" returns, /,
    ],
  ])(
    'is logged with where it comes from: %s',
    async (_name, secretKey, line) => {
      setEnvironment({ PICA_SECRET_KEY: undefined, ONE_SECRET_KEY: undefined });
      const printed = await logOf({
        options: { secretKey: secretKey() },
        name: 'acme',
      });
      expect(printed).toMatch(line);
      expect(printed).not.toContain('sk_test_wrong');
    },
  );
});
