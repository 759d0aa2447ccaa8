import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { formatType } from '../format-value.js';
import type { Secret } from './secret.js';
import { Is, isHttpUrl } from './validation.js';

/** The minimum length of an HS256 key in bytes (RFC 7518, section 3.2). */
const MIN_SECRET_BYTES = 32;

const isGrantSecret = (value: unknown): boolean =>
  typeof value === 'string' && Buffer.byteLength(value) >= MIN_SECRET_BYTES;

const IsNotBlank = () =>
  Is(
    'a string that is not empty',
    (value) => typeof value === 'string' && value.trim() !== '',
  );

/** A refused secret by its size alone. */
function formatSecret(value: unknown): string {
  if (Array.isArray(value)) {
    return value.length === 0
      ? 'an empty list'
      : `a list of ${value.map(formatSecret).join(' and ')}`;
  }
  return typeof value === 'string'
    ? `a string of ${Buffer.byteLength(value)} bytes`
    : formatType(value);
}

/** Where the used grants of all instances of an app are. */
export interface GrantUses {
  /**
   * Stores an id if it is not there, atomically.
   *
   * @param id the id of the grant
   * @param ttlMs how long to store it, in ms: a whole number from 1
   * @returns whether it was stored: `true` alone lets the grant through, `false` refuses it
   */
  add(id: string, ttlMs: number): Promise<boolean>;
}

/** How grants are signed, and for how long they are valid. */
export class AuthKitGrantOptions {
  /**
   * Signs the grants (HS256): at least 32 bytes, from a generator
   * (`openssl rand -base64 48`), and the same in all instances of the app.
   * Several secrets serve rotation: the first signs, all verify. Deploy
   * `[current, next]`, then `[next, current]`, then `[next]`.
   */
  @Is(
    `a string of at least ${MIN_SECRET_BYTES} bytes, from a generator (openssl rand -base64 48), or a list of such: ` +
      'the first signs, all verify. Pass grant: { secret }, or set AUTHKIT_GRANT_SECRET and use authKitConfig',
    (value) => [value].flat().length > 0 && [value].flat().every(isGrantSecret),
    formatSecret,
  )
  secret!: string | string[];

  /**
   * How long a grant is valid, in seconds. 1 to 86,400.
   * @default 300
   */
  @IsInt()
  @Min(1)
  @Max(86_400)
  ttl?: number = 300;

  /**
   * The URL of the token endpoint as the widget reaches it. Set it where the
   * app cannot tell it from the request: behind a proxy that rewrites paths, or
   * where the token route has another prefix than the grant route.
   * @default the URL of the request for the grant, without its `/grant`
   */
  @IsOptional()
  @Is(
    'the http: or https: URL of the token endpoint, without credentials, query or fragment',
    isHttpUrl,
  )
  url?: string;

  /**
   * Whether a grant is valid for one token only. A token that fails, or whose
   * client disconnects before it is sent, does not use up the grant. The widget
   * requests another token when its session expires; the user then has to open
   * the dialog again. With `true`, used grants are in the memory of one
   * instance. Several instances share them by a {@link GrantUses}, e.g. in Redis.
   * Not with `paging: 'forward'`, the default for One: its widget requests every
   * page with the same grant.
   *
   * @example a client of the package `redis`
   * ```ts
   * singleUse: {
   *   add: async (id, ttlMs) =>
   *     (await redis.set(`grant:${id}`, '1', { NX: true, PX: ttlMs })) === 'OK',
   * },
   * ```
   * @default false
   */
  @Is(
    'true, false, or an object with a function add(id, ttlMs) that returns a promise of a boolean',
    (value) =>
      typeof value === 'boolean' ||
      typeof (value as Partial<GrantUses> | null)?.add === 'function',
  )
  singleUse?: boolean | GrantUses = false;

  /**
   * The `iss` claim.
   * @default 'nestjs-pica-authkit'
   */
  @IsNotBlank()
  issuer?: string = 'nestjs-pica-authkit';

  /**
   * The `aud` claim. Registrations with the same secret refuse each other's
   * grants as long as it differs. Set it where two registrations have no
   * controller, or have the same path below different `RouterModule` prefixes.
   * @default the path and version of the controller, e.g. `/authkit-token`; `authkit-grant-service` without a controller
   */
  @IsOptional()
  @IsNotBlank()
  audience?: string;
}

/** The options of grants with their defaults. */
export type GrantOptions = Required<
  Pick<AuthKitGrantOptions, 'ttl' | 'singleUse' | 'issuer'>
> &
  Pick<AuthKitGrantOptions, 'url' | 'audience'> & {
    secret: Secret<string | string[]>;
  };
