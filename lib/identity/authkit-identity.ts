import { IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { IDENTITY_TYPES, type AuthKitIdentityType } from '../pica/types.js';

/**
 * Who the connections will belong to. Pica binds every connection that is
 * made with a token to the identity that the token was made for, and the
 * backend finds them by it later.
 *
 * @publicApi
 */
export class AuthKitIdentity {
  /**
   * Your name for the owner: best a stable id that is never given to another.
   * 1 to 256 characters, no control characters, not blank. Spaces and colons
   * are legal but unwise: they end up in Pica's connection keys.
   */
  @IsString({ message: 'identity must be a string' })
  @Length(1, 256, { message: 'identity must have 1 to 256 characters' })
  @Matches(/^[^\p{Cc}\p{Cs}]*$/u, {
    message:
      'identity must not contain control characters or halves of surrogate pairs',
  })
  @Matches(/\S/, { message: 'identity must not be blank' })
  identity!: string;

  /** What kind of owner it is. Left out, it is not sent, and Pica takes its own default. */
  @IsOptional()
  @IsIn(IDENTITY_TYPES, {
    message: `identityType must be one of ${IDENTITY_TYPES.join(', ')}`,
  })
  identityType?: AuthKitIdentityType;
}
