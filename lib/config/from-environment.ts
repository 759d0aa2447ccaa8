import { registerAs } from '@nestjs/config';
import { VENDORS, type AuthKitVendor } from '../vendors/index.js';
import type { AuthKitGrantOptions } from '../options/grant.options.js';
import type { AuthKitModuleOptions } from '../options/module.options.js';

const environment = registerAs('authkit', readEnvironment);

/**
 * The options from the environment, for `@nestjs/config`:
 *
 * | variable | option |
 * |---|---|
 * | `PICA_SECRET_KEY` | `secretKey` |
 * | `ONE_SECRET_KEY` | `secretKey`, and `vendor: 'one'`, if `PICA_SECRET_KEY` is not set |
 * | `AUTHKIT_VENDOR` | `vendor` (`pica` or `one`), and which of the two keys is read first |
 * | `AUTHKIT_BASE_URL` | `baseUrl` |
 * | `AUTHKIT_TIMEOUT` | `timeout`, in ms |
 * | `AUTHKIT_ALLOWED_ORIGINS` | `allowedOrigins`, separated by commas |
 * | `AUTHKIT_PAGE_ORIGINS` | `pageOrigins`, separated by commas |
 * | `AUTHKIT_GRANT_SECRET` | `grant.secret`, one or, separated by commas, several: the first signs |
 *
 * An empty variable counts as not set.
 *
 * @publicApi
 */
export const authKitConfig = Object.defineProperties(() => environment(), {
  // Copied: the properties that registerAs() defines are read-only.
  ...Object.getOwnPropertyDescriptors(environment),
  asProvider: {
    value: () => ({
      ...environment.asProvider(),
      // Injects nothing: `imports` beside it replace those that it would need.
      useFactory: environment,
      inject: [],
    }),
  },
}) as unknown as typeof environment;

function readEnvironment(): AuthKitModuleOptions & {
  // Complete as far as types go, so that `{ ...authKitConfig().grant, singleUse: true }` compiles.
  grant: AuthKitGrantOptions;
} {
  const { env } = process;
  const keys = Object.entries(VENDORS).flatMap(([vendor, { secretKeyEnv }]) => {
    const secretKey = env[secretKeyEnv] || undefined;
    return secretKey ? [{ vendor, secretKey }] : [];
  });
  const named = env.AUTHKIT_VENDOR || undefined;
  const key = keys.find(({ vendor }) => vendor === named) ?? keys[0];
  const secret = parseList(env.AUTHKIT_GRANT_SECRET || undefined);
  return {
    // The module reports what is missing or invalid, with all options in one message.
    secretKey: key?.secretKey as string,
    vendor: (named ?? key?.vendor) as AuthKitVendor | undefined,
    baseUrl: env.AUTHKIT_BASE_URL || undefined,
    timeout: parseNumber(env.AUTHKIT_TIMEOUT || undefined) as
      number | undefined,
    allowedOrigins: parseList(env.AUTHKIT_ALLOWED_ORIGINS),
    pageOrigins: parseList(env.AUTHKIT_PAGE_ORIGINS),
    grant: (secret && { secret }) as AuthKitGrantOptions,
  };
}

/** Splits a list at its commas and trims the items. */
function parseList(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

/** Parses a number. Text that is none is returned as it is, for the error message. */
function parseNumber(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d+$/.test(text.trim()) ? Number(text) : text;
}
