import { registerAs } from '@nestjs/config';
import type { AuthKitModuleOptions } from '../authkit.options.js';
import type { AuthKitVendor } from '../pica/types.js';

/**
 * The options from the environment, for `@nestjs/config`:
 *
 * | variable | option |
 * |---|---|
 * | `PICA_SECRET_KEY` | `secretKey` |
 * | `ONE_SECRET_KEY` | `secretKey`, and `vendor: 'one'`, where `PICA_SECRET_KEY` is not set |
 * | `AUTHKIT_VENDOR` | `vendor` (`pica` or `one`), and which of the two keys is read first |
 * | `AUTHKIT_BASE_URL` | `baseUrl` |
 * | `AUTHKIT_TIMEOUT` | `timeout`, in ms |
 * | `AUTHKIT_ALLOWED_ORIGINS` | `allowedOrigins`, separated by commas |
 * | `AUTHKIT_GRANT_SECRET` | `grant.secret`, one or, separated by commas, several: the first signs |
 *
 * An empty variable counts as not set.
 *
 * @example
 * ```ts
 * AuthKitModule.forRootAsync({ ...authKitConfig.asProvider(), controller: true })
 * ```
 *
 * @publicApi
 */
export const authKitConfig = registerAs('authkit', (): AuthKitModuleOptions => {
  const { env } = process;
  const pica = env.PICA_SECRET_KEY || undefined;
  const one = env.ONE_SECRET_KEY || undefined;
  const vendor = env.AUTHKIT_VENDOR || (!pica && one ? 'one' : undefined);
  const timeout = env.AUTHKIT_TIMEOUT || undefined;
  const secret = listOf(env.AUTHKIT_GRANT_SECRET || undefined);
  return {
    // Whatever is missing or wrong is reported by the module, with all options in one message.
    secretKey: ((vendor === 'one' ? one : pica) ?? pica ?? one) as string,
    vendor: vendor as AuthKitVendor | undefined,
    baseUrl: env.AUTHKIT_BASE_URL || undefined,
    timeout: numeric(timeout) as number | undefined,
    allowedOrigins: listOf(env.AUTHKIT_ALLOWED_ORIGINS),
    grant: secret && { secret },
  };
});

/** A list that is separated by commas; spaces around its items do not count. */
function listOf(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

/** A number where the text is one; the text itself, for the message, where it is not. */
function numeric(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d+$/.test(text.trim()) ? Number(text) : text;
}
