import { Module } from '@nestjs/common';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { AuthKitModule, type AuthKitModuleOptions } from '../../lib/index.js';
import { createApp, stopApps } from '../support/run-app.js';

// What importing an optional peer does where it is not installed.
jest.unstable_mockModule('jose', () => {
  throw new Error("Cannot find package 'jose'");
});
afterEach(stopApps);

const boot = (options: Partial<AuthKitModuleOptions>) => {
  @Module({
    imports: [AuthKitModule.forRoot({ secretKey: 'sk_test_1', ...options })],
  })
  class App {}
  return createApp('Express', App);
};

describe('an app that has not installed jose', () => {
  it('boots, as long as it has no grants', async () => {
    const app = await boot({});
    await expect(app.init()).resolves.toBe(app);
  });

  it('is told at boot what to install, where it has', async () => {
    const secret = 'a secret of the tests, long enough for HS256';
    await expect(boot({ grant: { secret } })).rejects.toThrow(
      /package "jose".*npm install jose/,
    );
  });
});
