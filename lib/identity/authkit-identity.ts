import { applyDecorators } from '@nestjs/common';
import {
  IsIn,
  IsOptional,
  IsString,
  Length,
  Matches,
  validateSync,
} from 'class-validator';
import { AuthKitException } from '../authkit.exception.js';
import { IDENTITY_TYPES, type AuthKitIdentityType } from '../authkit.types.js';
import { formatType } from '../format-value.js';

/** The maximum length of an id in UTF-16 code units. */
const MAX_LENGTH = 256;

const IsId = (name: string): PropertyDecorator =>
  applyDecorators(
    Matches(/\S/, { message: `${name} must not be blank` }),
    Matches(/^[^\p{Cc}\p{Cs}]*$/u, {
      message: `${name} must not contain control characters or halves of surrogate pairs`,
    }),
    Length(1, MAX_LENGTH, {
      message: `${name} must have 1 to ${MAX_LENGTH} characters`,
    }),
    IsString({ message: `${name} must be a string` }),
  );

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
  @IsId('identity')
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
  @IsId('tenant')
  tenant?: string;
}

/** The identities that are valid and frozen, so that each is validated once. */
const validated = new WeakSet<object>();

/**
 * Validates what an extractor or a caller gave, and makes an identity of it.
 *
 * @throws {AuthKitException} `unidentified` where there is none, `invalid_identity` where it breaks a rule of the DTO
 */
export function parseIdentity(candidate: unknown): AuthKitIdentity {
  if (validated.has(candidate as object)) return candidate as AuthKitIdentity;
  if (isAnonymous(candidate)) throw new AuthKitException('unidentified');

  const identity = new AuthKitIdentity();
  if (typeof candidate === 'string') {
    identity.identity = candidate;
    identity.identityType = 'user';
  } else if (typeof candidate === 'object' && !Array.isArray(candidate)) {
    const given = candidate as AuthKitIdentity;
    if (isAnonymous(given.identity)) throw new AuthKitException('unidentified');
    identity.identity = given.identity;
    identity.identityType = given.identityType ?? undefined;
    if ((given.tenant ?? undefined) !== undefined) {
      identity.tenant = given.tenant;
    }
  } else {
    throw notString('identity', candidate);
  }

  // Before the rules run over a huge string; they also count some characters as none.
  for (const name of ['identity', 'tenant'] as const) {
    const value = identity[name];
    if (value !== undefined && typeof value !== 'string') {
      throw notString(name, value);
    }
    if (value !== undefined && value.length > MAX_LENGTH) {
      throw invalid(
        `${name} must have 1 to ${MAX_LENGTH} characters, not ${formatType(value)}`,
      );
    }
  }
  const { identityType = 'user' } = identity;
  const isPlain =
    PLAIN_ID.test(identity.identity) &&
    PLAIN_ID.test(identity.tenant ?? identity.identity) &&
    IDENTITY_TYPES.includes(identityType);
  const [error] = isPlain ? [] : validateSync(identity);
  if (error) {
    const [reason] = Object.values(error.constraints ?? {});
    throw invalid(`${reason}, not ${formatType(error.value)}`);
  }
  validated.add(identity);
  return Object.freeze(identity);
}

/** The ids that most apps have. They obey all rules of the DTO, which cost many times as much to check. */
const PLAIN_ID = /^[\w.:@-]{1,256}$/;

function isAnonymous(value: unknown): boolean {
  if (typeof value !== 'string') return value === undefined || value === null;
  return value.length <= MAX_LENGTH && value.trim() === '';
}

/** Numbers are refused, so that the app decides how to format them: `String(1e21)` is not what anybody means. */
function notString(name: string, value: unknown): AuthKitException {
  const source = name === 'identity' ? 'user.id' : 'user.tenantId';
  return invalid(
    `${name} must be a string, not ${formatType(value)}: convert it in the identity option, as String(${source})`,
  );
}

function invalid(message: string): AuthKitException {
  return new AuthKitException('invalid_identity', { message: `${message}.` });
}
