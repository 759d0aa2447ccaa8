import { Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import {
  AuthKitIdentity,
  AuthKitIdentityGuard,
  AuthKitTokenService,
  CurrentIdentity,
  ExtractIdentity,
} from '../../lib/index.js';
import { PLATFORMS, startApp } from '../support/app.js';
import { useEmulator } from '../support/emulator.js';
import { SignInGuard } from '../support/guards.js';
import { requestToken } from '../support/http.js';
import { captureOutput } from '../support/mocks.js';

const pica = useEmulator();

@Controller('integrations')
class IntegrationsController {
  constructor(private readonly tokens: AuthKitTokenService) {}

  @Post('token')
  @HttpCode(200)
  @UseGuards(SignInGuard, AuthKitIdentityGuard)
  token(@CurrentIdentity() identity: AuthKitIdentity) {
    return this.tokens.create(identity);
  }

  @Post('unguarded')
  unguarded(@CurrentIdentity() identity: AuthKitIdentity) {
    return identity;
  }
}

describe.each(PLATFORMS)('a controller of the app on %s', (platform) => {
  const start = async () => {
    const { url } = await startApp({
      pica,
      platform,
      controller: false,
      controllers: [IntegrationsController],
      options: { identity: ExtractIdentity.fromUser('id', 'organization') },
      logs: true,
    });
    return `${url}/integrations`;
  };

  it('creates tokens for the identity that AuthKitIdentityGuard has extracted', async () => {
    const response = await requestToken(`${await start()}/token`);
    expect(response.status).toBe(200);
    expect(response.body.rows).toHaveLength(247);
    expect(pica.requests.at(-1)?.body).toEqual({
      identity: 'ada',
      identityType: 'organization',
    });
  });

  it('answers with status and reason of an AuthKitException, without an exception filter', async () => {
    captureOutput();
    pica.fault({ status: 402 });
    const response = await requestToken(`${await start()}/token`);
    expect(response.status).toBe(503);
    expect(response.body).toMatchObject({
      statusCode: 503,
      reason: 'quota_exceeded',
    });
  });

  it('answers 500 and logs which guard is missing when @CurrentIdentity() has none before it', async () => {
    const printed = captureOutput();
    const response = await requestToken(`${await start()}/unguarded`);
    expect(response.status).toBe(500);
    expect(printed()).toMatch(
      /IntegrationsController\.unguarded.*AuthKitIdentityGuard/,
    );
  });
});
