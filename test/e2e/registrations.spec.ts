import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import {
  authKitConfig,
  AuthKitModule,
  AuthKitTokenService,
  ExtractIdentity,
  type AuthKitModuleOptions,
  type AuthKitOptionsFactory,
} from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { createApp, PLATFORMS, runApp, stopApps } from '../support/run-app.js';
import { SignInGuard } from '../support/sign-in.guard.js';
import { askForToken, preflight } from '../support/widget.js';

let pica: PicaEmulator;
let second: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start();
  second = await PicaEmulator.start({
    secretKey: 'sk_test_second',
    integrations: 5,
  });
});
afterEach(async () => {
  await stopApps();
  pica.reset();
  second.reset();
});
afterAll(() => Promise.all([pica.stop(), second.stop()]));

@Injectable()
class Settings implements AuthKitOptionsFactory {
  createAuthKitOptions(): AuthKitModuleOptions {
    return { secretKey: pica.secretKey, baseUrl: pica.url };
  }
}
@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

describe.each(PLATFORMS)('registrations on %s', (platform) => {
  const controller = { guards: [SignInGuard] };

  it.each<[string, () => DynamicModule]>([
    [
      'useClass',
      () => AuthKitModule.forRootAsync({ useClass: Settings, controller }),
    ],
    [
      'useExisting',
      () =>
        AuthKitModule.forRootAsync({
          imports: [SettingsModule],
          useExisting: Settings,
          controller,
        }),
    ],
    [
      'useFactory and inject',
      () =>
        AuthKitModule.forRootAsync({
          imports: [SettingsModule],
          inject: [Settings],
          useFactory: (settings: Settings) => settings.createAuthKitOptions(),
          controller,
        }),
    ],
  ])('take the options by %s', async (_name, register) => {
    @Module({ imports: [register()] })
    class App {}
    const url = await runApp(platform, App);
    expect((await askForToken(`${url}/authkit-token`)).status).toBe(200);
  });

  it('take the options from the environment, beside imports of their own', async () => {
    const before = { ...process.env };
    process.env.PICA_SECRET_KEY = pica.secretKey;
    process.env.AUTHKIT_BASE_URL = pica.url;
    process.env.AUTHKIT_ALLOWED_ORIGINS =
      'https://a.example, https://b.example';
    try {
      @Module({
        imports: [
          ConfigModule.forRoot({ ignoreEnvFile: true }),
          AuthKitModule.forRootAsync({
            ...authKitConfig.asProvider(),
            imports: [SettingsModule],
            controller,
          }),
        ],
      })
      class App {}
      const url = `${await runApp(platform, App)}/authkit-token`;
      expect((await askForToken(url)).status).toBe(200);
      const origin = 'https://b.example';
      const { headers } = await preflight(url, { origin });
      expect(headers.get('access-control-allow-origin')).toBe(origin);
    } finally {
      process.env = before;
    }
  });

  it('do not disturb each other: two paths, two keys, two sets of origins', async () => {
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: pica.secretKey,
          baseUrl: pica.url,
          controller: { guards: [SignInGuard], path: 'authkit-token' },
        }),
        AuthKitModule.forRoot({
          secretKey: second.secretKey,
          baseUrl: second.url,
          identity: ExtractIdentity.fromUser('id', 'team'),
          allowedOrigins: ['https://team.example'],
          controller: { guards: [SignInGuard], path: 'team/authkit-token' },
        }),
      ],
    })
    class App {}
    const url = await runApp(platform, App, (app) => app.enableCors());
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => [
        askForToken(`${url}/authkit-token`),
        askForToken(`${url}/team/authkit-token`),
      ]).flat(),
    );
    answers.forEach(({ body }, index) =>
      expect(body.rows).toHaveLength(index % 2 === 0 ? 247 : 5),
    );
    const bodies = (of: PicaEmulator) =>
      of.requests
        .filter(({ method }) => method === 'POST')
        .map(({ body }) => body);
    expect(new Set(bodies(pica).map((body) => JSON.stringify(body)))).toEqual(
      new Set(['{"identity":"ada","identityType":"user"}']),
    );
    expect(new Set(bodies(second).map((body) => JSON.stringify(body)))).toEqual(
      new Set(['{"identity":"ada","identityType":"team"}']),
    );
    const origin = 'https://team.example';
    const [alone, team] = await Promise.all([
      preflight(`${url}/authkit-token`, { origin }),
      preflight(`${url}/team/authkit-token`, { origin }),
    ]);
    expect(alone.headers.get('access-control-allow-origin')).toBeNull();
    expect(team.headers.get('access-control-allow-origin')).toBe(origin);
  });

  it('take a baseUrl with a path and a trailing slash', async () => {
    pica.fault({
      path: /^\/gateway\/v1\/authkit$/,
      status: 200,
      body: { rows: [], total: 0, pages: 0, page: 1, requestId: 1 },
    });
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: pica.secretKey,
          baseUrl: `${pica.url}/gateway//`,
          controller,
        }),
      ],
    })
    class App {}
    const url = await runApp(platform, App);
    const answer = await askForToken(`${url}/authkit-token`);
    expect(answer.status).toBe(200);
    expect(pica.requests.map(({ path }) => path).sort()).toEqual([
      '/gateway/v1/authkit',
      '/gateway/v1/users/flags',
    ]);
  });
});

it('with `isGlobal` the service is there for modules that import nothing', async () => {
  @Injectable()
  class Consumer {
    constructor(readonly tokens: AuthKitTokenService) {}
  }
  @Module({ providers: [Consumer] })
  class Feature {}
  @Module({
    imports: [
      AuthKitModule.forRoot({
        secretKey: pica.secretKey,
        baseUrl: pica.url,
        isGlobal: true,
      }),
      Feature,
    ],
  })
  class App {}
  const app = await createApp('Express', App);
  const { rows } = await app.get(Consumer).tokens.create({ identity: 'ada' });
  expect(rows).toHaveLength(247);
});

it('does not let the axios of the app see the calls, nor change them', async () => {
  const { default: axios } = await import('axios');
  const seen: unknown[] = [];
  const interceptor = axios.interceptors.request.use((config) => {
    seen.push(config);
    return config;
  });
  axios.defaults.headers.common.Authorization = 'Bearer of-the-app';
  try {
    @Module({
      imports: [
        AuthKitModule.forRoot({ secretKey: pica.secretKey, baseUrl: pica.url }),
      ],
    })
    class App {}
    const app = await createApp('Express', App);
    await app.get(AuthKitTokenService, { strict: false }).create();
    expect(seen).toEqual([]);
    expect(pica.requests[0]?.headers).not.toHaveProperty('authorization');
  } finally {
    axios.interceptors.request.eject(interceptor);
    delete axios.defaults.headers.common.Authorization;
  }
});
