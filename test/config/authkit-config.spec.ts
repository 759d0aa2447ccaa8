import { authKitConfig } from '../../lib/config/from-environment.js';
import { setEnvironment } from '../support/environment.js';

/** The options from an environment that has no other variables of the module. */
const configOf = (variables: Record<string, string>): object => {
  setEnvironment({
    PICA_SECRET_KEY: undefined,
    ONE_SECRET_KEY: undefined,
    AUTHKIT_VENDOR: undefined,
    AUTHKIT_BASE_URL: undefined,
    AUTHKIT_TIMEOUT: undefined,
    AUTHKIT_ALLOWED_ORIGINS: undefined,
    AUTHKIT_GRANT_SECRET: undefined,
    ...variables,
  });
  // Without the options that are undefined.
  return JSON.parse(JSON.stringify(authKitConfig())) as object;
};

describe('authKitConfig', () => {
  it('reads the secret key from PICA_SECRET_KEY', () => {
    expect(configOf({ PICA_SECRET_KEY: 'sk_live_p' })).toEqual({
      secretKey: 'sk_live_p',
      vendor: 'pica',
    });
  });

  it('reads the secret key from ONE_SECRET_KEY, which selects the vendor One', () => {
    expect(configOf({ ONE_SECRET_KEY: 'sk_live_o' })).toEqual({
      secretKey: 'sk_live_o',
      vendor: 'one',
    });
  });

  it('prefers Pica when both keys are set, unless AUTHKIT_VENDOR is "one"', () => {
    const both = { PICA_SECRET_KEY: 'sk_live_p', ONE_SECRET_KEY: 'sk_live_o' };
    expect(configOf(both)).toEqual({
      secretKey: 'sk_live_p',
      vendor: 'pica',
    });
    expect(configOf({ ...both, AUTHKIT_VENDOR: 'one' })).toEqual({
      secretKey: 'sk_live_o',
      vendor: 'one',
    });
  });

  it('reads vendor, base URL, timeout and allowed origins', () => {
    expect(
      configOf({
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
  });

  it('treats empty variables like missing ones, except for an empty list of origins', () => {
    expect(
      configOf({
        AUTHKIT_BASE_URL: '',
        AUTHKIT_TIMEOUT: '',
        AUTHKIT_ALLOWED_ORIGINS: '',
      }),
    ).toEqual({ allowedOrigins: [] });
  });

  it('passes invalid values on, which the module rejects at boot', () => {
    expect(
      configOf({ AUTHKIT_TIMEOUT: '10s', AUTHKIT_VENDOR: 'pika' }),
    ).toEqual({ timeout: '10s', vendor: 'pika' });
  });
});
