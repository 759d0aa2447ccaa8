import { IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { IDENTITY_TYPES, type AuthKitIdentityType } from '../authkit.types.js';

/**
 * The identity that connections belong to. Pica binds every connection made
 * with a token to the identity of the token, and the backend finds the
 * connections by it later.
 *
 * @publicApi
 */
export class AuthKitIdentity {
  /**
   * Your id of the owner: a stable id that is never reused. 1 to 256
   * characters, no control characters, not blank. Spaces and colons are allowed
   * but unwise: they end up in Pica's connection keys.
   */
  @IsString({ message: 'identity must be a string' })
  @Length(1, 256, { message: 'identity must have 1 to 256 characters' })
  @Matches(/^[^\p{Cc}\p{Cs}]*$/u, {
    message:
      'identity must not contain control characters or halves of surrogate pairs',
  })
  @Matches(/\S/, { message: 'identity must not be blank' })
  identity!: string;

  /** The kind of owner. If it is missing, it is not sent, and Pica's default applies. */
  @IsOptional()
  @IsIn(IDENTITY_TYPES, {
    message: `identityType must be one of ${IDENTITY_TYPES.join(', ')}`,
  })
  identityType?: AuthKitIdentityType;

  /**
   * The app's tenant that the identity belongs to, e.g. the customer's id. The
   * functions of the options receive it, grants carry it, and callers of
   * different tenants share no cache entry and no limit. **It is never sent to
   * Pica**: write identities so that they differ between tenants, e.g.
   * `org_42-user_7`, where tenants share a secret key and a scope. The rules of
   * `identity` apply.
   */
  @IsOptional()
  @IsString({ message: 'tenant must be a string' })
  @Length(1, 256, { message: 'tenant must have 1 to 256 characters' })
  @Matches(/^[^\p{Cc}\p{Cs}]*$/u, {
    message:
      'tenant must not contain control characters or halves of surrogate pairs',
  })
  @Matches(/\S/, { message: 'tenant must not be blank' })
  tenant?: string;
}
