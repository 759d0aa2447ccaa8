import { afterEach, describe, expect, it } from '@jest/globals';
import { authKitConfig } from '../../lib/index.js';

const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

/** What `authKitConfig` makes of an environment, without what it leaves open. */
const read = (env: Record<string, string>): object => {
  process.env = { ...env };
  return JSON.parse(JSON.stringify(authKitConfig())) as object;
};

describe('authKitConfig', () => {
  it('takes Pica’s key', () => {
    expect(read({ PICA_SECRET_KEY: 'sk_live_p' })).toEqual({
      secretKey: 'sk_live_p',
    });
  });

  it('takes One’s key, which selects One', () => {
    expect(read({ ONE_SECRET_KEY: 'sk_live_o' })).toEqual({
      secretKey: 'sk_live_o',
      vendor: 'one',
    });
  });

  it('prefers Pica where both are there, unless AUTHKIT_VENDOR says One', () => {
    const both = { PICA_SECRET_KEY: 'sk_live_p', ONE_SECRET_KEY: 'sk_live_o' };
    expect(read(both)).toEqual({ secretKey: 'sk_live_p' });
    expect(read({ ...both, AUTHKIT_VENDOR: 'one' })).toEqual({
      secretKey: 'sk_live_o',
      vendor: 'one',
    });
  });

  it('takes everything else, and empty variables for none', () => {
    expect(
      read({
        PICA_SECRET_KEY: 'sk_live_p',
        ONE_SECRET_KEY: '',
        AUTHKIT_VENDOR: 'pica',
        AUTHKIT_BASE_URL: 'http://localhost:1',
        AUTHKIT_TIMEOUT: '3000',
        AUTHKIT_ALLOWED_ORIGINS: ' https://a.example, ,https://b.example ',
      }),
    ).toEqual({
      secretKey: 'sk_live_p',
      vendor: 'pica',
      baseUrl: 'http://localhost:1',
      timeout: 3000,
      allowedOrigins: ['https://a.example', 'https://b.example'],
    });
    expect(
      read({
        AUTHKIT_BASE_URL: '',
        AUTHKIT_TIMEOUT: '',
        AUTHKIT_ALLOWED_ORIGINS: '',
      }),
    ).toEqual({
      allowedOrigins: [],
    });
  });

  it('leaves what is wrong for the module to refuse', () => {
    expect(read({ AUTHKIT_TIMEOUT: '10s', AUTHKIT_VENDOR: 'pika' })).toEqual({
      timeout: '10s',
      vendor: 'pika',
    });
  });
});
