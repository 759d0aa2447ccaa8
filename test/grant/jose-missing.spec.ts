import { jest } from '@jest/globals';
import { bootError, createApp } from '../support/app.js';
import { GRANT_SECRET } from '../support/grants.js';

// Importing an optional peer dependency fails so when it is not installed.
jest.unstable_mockModule('jose', () => {
  throw new Error("Cannot find package 'jose'");
});

describe('an app without the package jose', () => {
  it('boots when it does not use grants', async () => {
    const { tokens } = await createApp();
    expect(tokens).toBeDefined();
  });

  it('fails to boot with the command that installs jose when it uses grants', async () => {
    const error = await bootError({
      options: { grant: { secret: GRANT_SECRET } },
    });
    expect(error?.message).toMatch(/package "jose".*npm install jose/);
  });
});
