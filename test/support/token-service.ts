import { Module } from '@nestjs/common';
import {
  AuthKitException,
  AuthKitModule,
  AuthKitTokenService,
  type AuthKitModuleOptions,
} from '../../lib/index.js';
import type { PicaEmulator } from '../../lib/testing/index.js';
import { createApp } from './run-app.js';

/** The service of an app that talks to an emulator; the app is stopped by `stopApps()`. */
export async function tokenService(
  pica: PicaEmulator,
  options: Partial<AuthKitModuleOptions> = {},
): Promise<AuthKitTokenService> {
  @Module({
    imports: [
      AuthKitModule.forRoot({
        secretKey: pica.secretKey,
        vendor: pica.vendor,
        baseUrl: pica.url,
        ...options,
      }),
    ],
  })
  class App {}
  const app = await createApp('Express', App);
  return app.get(AuthKitTokenService, { strict: false });
}

/** Why a token was not made: the reason, or whatever else was thrown. */
export function reasonOf(token: Promise<unknown>): Promise<unknown> {
  return token.then(
    () => 'none',
    (error: unknown) =>
      error instanceof AuthKitException ? error.reason : error,
  );
}
