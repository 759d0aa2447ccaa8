import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import axios from 'axios';
import { authKitConfig } from '../../lib/config/from-environment.js';
import {
  AuthKitModule,
  AuthKitTokenService,
  ExtractIdentity,
  type AuthKitModuleOptions,
  type AuthKitOptionsFactory,
} from '../../lib/index.js';
import type { PicaEmulator } from '../../lib/testing/index.js';
import {
  createApp,
  createTokenService,
  optionsFor,
  PLATFORMS,
  register,
  startApp,
} from '../support/app.js';
import { afterTest } from '../support/cleanup.js';
import { useEmulator } from '../support/emulator.js';
import { setEnvironment } from '../support/environment.js';
import { SignInGuard } from '../support/guards.js';
import { preflight, requestToken } from '../support/http.js';

const pica = useEmulator();
const other = useEmulator({ secretKey: 'sk_test_second', integrations: 5 });

@Injectable()
class Settings implements AuthKitOptionsFactory {
  createAuthKitOptions(): AuthKitModuleOptions {
    return optionsFor(pica);
  }
}
@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

describe.each(PLATFORMS)('the token endpoint on %s', (platform) => {
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
  ])('has the options that %s provides', async (_name, registration) => {
    const { tokenUrl } = await startApp({
      platform,
      registrations: [registration()],
    });
    expect((await requestToken(tokenUrl)).status).toBe(200);
  });

  it('has the options of the environment with authKitConfig, beside imports of the registration', async () => {
    setEnvironment({
      PICA_SECRET_KEY: pica.secretKey,
      AUTHKIT_BASE_URL: pica.url,
      AUTHKIT_ALLOWED_ORIGINS: 'https://a.example, https://b.example',
    });
    const { tokenUrl } = await startApp({
      platform,
      registrations: [
        ConfigModule.forRoot({ ignoreEnvFile: true }),
        AuthKitModule.forRootAsync({
          ...authKitConfig.asProvider(),
          imports: [SettingsModule],
          controller,
        }),
      ],
    });
    expect((await requestToken(tokenUrl)).status).toBe(200);
    const origin = 'https://b.example';
    const { headers } = await preflight(tokenUrl, { origin });
    expect(headers.get('access-control-allow-origin')).toBe(origin);
  });

  it('keeps keys, identities and origins apart when two registrations serve two paths', async () => {
    const { url, tokenUrl } = await startApp({
      platform,
      registrations: [
        register({ pica, controller }),
        register({
          pica: other,
          options: {
            identity: ExtractIdentity.fromUser('id', 'team'),
            allowedOrigins: ['https://team.example'],
          },
          controller: { path: 'team/authkit-token' },
        }),
      ],
      configure: (app) => app.enableCors(),
    });
    const teamUrl = `${url}/team/authkit-token`;
    const responses = await Promise.all(
      Array.from({ length: 10 }, () => [
        requestToken(tokenUrl),
        requestToken(teamUrl),
      ]).flat(),
    );
    responses.forEach(({ body }, index) =>
      expect(body.rows).toHaveLength(index % 2 === 0 ? 247 : 5),
    );
    const identitiesOf = ({ requests }: PicaEmulator) =>
      new Set(
        requests
          .filter(({ method }) => method === 'POST')
          .map(({ body }) => JSON.stringify(body)),
      );
    expect([...identitiesOf(pica)]).toEqual([
      '{"identity":"ada","identityType":"user"}',
    ]);
    expect([...identitiesOf(other)]).toEqual([
      '{"identity":"ada","identityType":"team"}',
    ]);
    const origin = 'https://team.example';
    const [user, team] = await Promise.all([
      preflight(tokenUrl, { origin }),
      preflight(teamUrl, { origin }),
    ]);
    expect(user.headers.get('access-control-allow-origin')).toBeNull();
    expect(team.headers.get('access-control-allow-origin')).toBe(origin);
  });

  it('sends its requests below the path of baseUrl when that has trailing slashes', async () => {
    pica.fault({
      path: /^\/gateway\/v1\/authkit$/,
      status: 200,
      body: { rows: [], total: 0, pages: 0, page: 1, requestId: 1 },
    });
    const { tokenUrl } = await startApp({
      pica,
      platform,
      options: { baseUrl: `${pica.url}/gateway//` },
    });
    expect((await requestToken(tokenUrl)).status).toBe(200);
    expect(new Set(pica.requests.map(({ path }) => path))).toEqual(
      new Set(['/gateway/v1/authkit', '/gateway/v1/users/flags']),
    );
  });
});

it('the token service can be injected without an import when the registration has isGlobal', async () => {
  @Injectable()
  class Consumer {
    constructor(readonly tokens: AuthKitTokenService) {}
  }
  @Module({ providers: [Consumer] })
  class FeatureModule {}
  const app = await createApp({
    pica,
    isGlobal: true,
    imports: [FeatureModule],
  });
  const { tokens } = app.get(Consumer);
  expect((await tokens.create({ identity: 'ada' })).rows).toHaveLength(247);
});

it('interceptors and defaults of the axios of the app do not apply to requests of the module', async () => {
  const intercepted: unknown[] = [];
  const interceptor = axios.interceptors.request.use((config) => {
    intercepted.push(config);
    return config;
  });
  axios.defaults.headers.common.Authorization = 'Bearer of-the-app';
  afterTest(() => {
    axios.interceptors.request.eject(interceptor);
    delete axios.defaults.headers.common.Authorization;
  });
  const tokens = await createTokenService(pica);
  await tokens.create();
  expect(intercepted).toEqual([]);
  expect(pica.requests).not.toHaveLength(0);
  for (const { headers } of pica.requests) {
    expect(headers).not.toHaveProperty('authorization');
  }
});
