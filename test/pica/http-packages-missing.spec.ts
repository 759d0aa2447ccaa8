import { jest } from '@jest/globals';
import { bootError } from '../support/app.js';

// Importing an optional peer dependency fails so when it is not installed.
jest.unstable_mockModule('@nestjs/axios', () => {
  throw new Error("Cannot find package '@nestjs/axios'");
});

describe('an app without the package @nestjs/axios', () => {
  it('fails to boot with the commands that install it', async () => {
    const error = await bootError({});
    expect(error?.message).toMatch(
      /"@nestjs\/axios".*npm install @nestjs\/axios@4 axios .*Nest 12: npm install @nestjs\/axios@12 axios/,
    );
  });
});
