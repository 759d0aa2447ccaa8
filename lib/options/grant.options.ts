import { IsOptional } from 'class-validator';
import {
  IsBoolean,
  IsHttpUrl,
  IsInRange,
  IsNotBlank,
  IsSecret,
  Satisfies,
  type OptionsInput,
  type Secret,
} from './validation.js';
import { formatType } from '../format-value.js';

/** The minimum length of an HS256 key in bytes (RFC 7518, section 3.2). */
const MIN_SECRET_BYTES = 32;

const isGrantSecret = (value: unknown): boolean =>
  typeof value === 'string' && Buffer.byteLength(value) >= MIN_SECRET_BYTES;

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

/** How grants are signed, and for how long they are valid. */
export class GrantOptions {
  /**
   * Signs the grants (HS256): at least 32 bytes, from a generator
   * (`openssl rand -base64 48`), and the same in all instances of the app.
   * Several secrets serve rotation: the first signs, all verify. Deploy
   * `[current, next]`, then `[next, current]`, then `[next]`.
   */
  @IsSecret()
  @Satisfies(
    `a string of at least ${MIN_SECRET_BYTES} bytes, from a generator (openssl rand -base64 48), or a list of such: ` +
      'the first signs, all verify. Pass grant: { secret }, or set AUTHKIT_GRANT_SECRET and use authKitConfig',
    (value) => [value].flat().length > 0 && [value].flat().every(isGrantSecret),
    formatSecret,
  )
  secret!: Secret<string | string[]>;

  /**
   * How long a grant is valid, in seconds. 1 to 86,400.
   * @default 300
   */
  @IsInRange(1, 86_400, 'seconds')
  ttl: number = 300;

  /**
   * The URL of the token endpoint as the widget reaches it. Set it where the
   * app cannot tell it from the request: behind a proxy that rewrites paths, or
   * where the token route has another prefix than the grant route.
   * @default the URL of the request for the grant, without its `/grant`
   */
  @IsOptional()
  @IsHttpUrl(
    'the http: or https: URL of the token endpoint, without credentials, query or fragment',
  )
  url?: string;

  /**
   * Whether a grant is valid for one token only. A token that fails, or whose
   * client disconnects before it is sent, does not use up the grant. The widget
   * requests another token when its session expires; with `true` the user then
   * has to open the dialog again. Used grants are stored in the memory of one
   * instance, 1,000 for each identity, and in the `cache.store` where there is
   * one: with an atomic `add`, as `redisStore()` has it, a grant is valid once
   * across all instances; without it, replays at the same moment may pass in
   * another instance. Not with `paging: 'forward'`, the default for One: its
   * widget requests every page with the same grant.
   * @default false
   */
  @IsBoolean()
  singleUse: boolean = false;

  /**
   * The `iss` claim.
   * @default 'nestjs-pica-authkit'
   */
  @IsNotBlank()
  issuer: string = 'nestjs-pica-authkit';

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

/** How grants are signed, and for how long they are valid. */
export interface AuthKitGrantOptions extends OptionsInput<
  GrantOptions,
  'secret'
> {}
