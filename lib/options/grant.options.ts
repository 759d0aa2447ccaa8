import { formatType } from '../format-value.js';
import {
  Is,
  isHttpUrl,
  IsIntBetween,
  IsNotBlank,
  IsRequired,
} from './validation.js';

/** The minimum length of an HS256 key in bytes (RFC 7518, section 3.2). */
const MIN_SECRET_BYTES = 32;

const isGrantSecret = (value: unknown): boolean =>
  typeof value === 'string' && Buffer.byteLength(value) >= MIN_SECRET_BYTES;

/** Where the used grants of all instances of an app are. */
export interface GrantUses {
  /**
   * Stores the id of a grant if it is not there, atomically, for `ttlMs`: an integer from 1.
   * @returns whether it was stored: only `true` lets the grant through
   */
  add(id: string, ttlMs: number): Promise<boolean>;
}

/** How grants are signed, and for how long they are valid. */
export class AuthKitGrantOptions {
  /**
   * Signs the grants (HS256): at least 32 bytes from a generator
   * (`openssl rand -base64 48`), the same in all instances of the app. Of
   * several secrets the first signs and all verify. To rotate, deploy
   * `[current, next]`, then `[next, current]`, then `[next]`.
   */
  @IsRequired(
    `a string of at least ${MIN_SECRET_BYTES} bytes, from a generator (openssl rand -base64 48), or a list of such: ` +
      'the first signs, all verify. Pass grant: { secret }, or set AUTHKIT_GRANT_SECRET and use authKitConfig',
    (value) => [value].flat().length > 0 && [value].flat().every(isGrantSecret),
    formatType,
  )
  secret!: string | string[];

  /** How long a grant is valid, in seconds. 1 to 86,400. @default 300 */
  @IsIntBetween(1, 86_400)
  ttl?: number = 300;

  /**
   * The URL of the token endpoint as the widget reaches it. Set it behind a proxy
   * that rewrites paths, or if the two routes have different prefixes.
   * @default the URL of the request for the grant, without its `/grant`
   */
  @Is(
    'the http: or https: URL of the token endpoint, without credentials, query or fragment',
    isHttpUrl,
  )
  url?: string;

  /**
   * Whether a grant is valid for one token only. A token that fails does not use
   * it up. With `true`, used grants are in the memory of one instance; several
   * instances share them by a {@link GrantUses}. Not with `paging: 'forward'`,
   * the default for One: its widget requests every page with the same grant.
   * @default false
   */
  @Is(
    'true, false, or an object with a function add(id, ttlMs) that returns a promise of a boolean',
    (value) =>
      typeof value === 'boolean' ||
      typeof (value as Partial<GrantUses>).add === 'function',
  )
  singleUse?: boolean | GrantUses = false;

  /** The `iss` claim. @default 'nestjs-pica-authkit' */
  @IsNotBlank()
  issuer?: string = 'nestjs-pica-authkit';

  /**
   * The `aud` claim, by which registrations with the same secret refuse each
   * other's grants. Set it if two registrations have no controller, or the same
   * path below different `RouterModule` prefixes.
   * @default the path and version of the controller, e.g. `/authkit-token`; `authkit-grant-service` without a controller
   */
  @IsNotBlank()
  audience?: string;
}
