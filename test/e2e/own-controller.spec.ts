import { Controller, HttpCode, Module, Post, UseGuards } from '@nestjs/common';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import {
  AuthKitIdentity,
  AuthKitIdentityGuard,
  AuthKitModule,
  AuthKitTokenService,
  CurrentIdentity,
  ExtractIdentity,
} from '../../lib/index.js';
import { PicaEmulator } from '../../lib/testing/index.js';
import { createApp, PLATFORMS, runApp, stopApps } from '../support/run-app.js';
import { SignInGuard } from '../support/sign-in.guard.js';
import { askForToken } from '../support/widget.js';

let pica: PicaEmulator;
beforeAll(async () => {
  pica = await PicaEmulator.start();
});
afterEach(async () => {
  await stopApps();
  pica.reset();
});
afterAll(() => pica.stop());

@Controller('integrations')
class IntegrationsController {
  constructor(private readonly tokens: AuthKitTokenService) {}

  @Post('token')
  @HttpCode(200)
  @UseGuards(SignInGuard, AuthKitIdentityGuard)
  token(@CurrentIdentity() who: AuthKitIdentity) {
    return this.tokens.create(who);
  }

  @Post('unguarded')
  unguarded(@CurrentIdentity() who: AuthKitIdentity) {
    return who;
  }
}

describe.each(PLATFORMS)('a controller of the app on %s', (platform) => {
  const start = () => {
    @Module({
      imports: [
        AuthKitModule.forRoot({
          secretKey: pica.secretKey,
          baseUrl: pica.url,
          identity: ExtractIdentity.fromUser('id', 'organization'),
        }),
      ],
      controllers: [IntegrationsController],
    })
    class App {}
    return runApp(platform, App);
  };

  it('creates tokens for the identity that the guard has found', async () => {
    const url = await start();
    const answer = await askForToken(`${url}/integrations/token`);
    expect(answer.status).toBe(200);
    expect(answer.body.rows).toHaveLength(247);
    expect(pica.requests.at(-1)?.body).toEqual({
      identity: 'ada',
      identityType: 'organization',
    });
  });

  it('answers an AuthKitException without any filter', async () => {
    pica.fault({ status: 402 });
    const url = await start();
    const answer = await askForToken(`${url}/integrations/token`);
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({
      statusCode: 503,
      reason: 'quota_exceeded',
    });
  });

  it('says what is missing where @CurrentIdentity() has no guard before it', async () => {
    const app = await createApp(platform, AppWithUnguarded);
    const seen: unknown[] = [];
    app.useGlobalFilters({
      catch(error: Error, host) {
        seen.push(error.message);
        app
          .getHttpAdapter()
          .reply(host.switchToHttp().getResponse(), 'caught', 500);
      },
    });
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    await askForToken(`${url}/integrations/unguarded`);
    expect(seen).toEqual([
      expect.stringMatching(
        /IntegrationsController\.unguarded.*AuthKitIdentityGuard/,
      ),
    ]);
  });

  @Module({
    imports: [AuthKitModule.forRoot({ secretKey: 'sk_test_1' })],
    controllers: [IntegrationsController],
  })
  class AppWithUnguarded {}
});
