import { validateSync } from 'class-validator';
import { AuthKitException } from '../pica/authkit.exception.js';
import { AuthKitIdentity } from './authkit-identity.js';

/** In UTF-16 code units. */
const MAX_LENGTH = 256;

/**
 * Makes an identity of what an extractor or a caller gave, or says why it is none.
 *
 * @throws {AuthKitException} `unidentified` where there is none, `invalid_identity` where it fails the DTO
 */
export function toIdentity(candidate: unknown): AuthKitIdentity {
  if (isValid(candidate)) return candidate;
  if (isNobody(candidate)) throw new AuthKitException('unidentified');

  const identity = new AuthKitIdentity();
  if (typeof candidate === 'string') {
    identity.identity = candidate;
    identity.identityType = 'user';
  } else if (typeof candidate === 'object' && !Array.isArray(candidate)) {
    const given = candidate as Partial<AuthKitIdentity>;
    if (isNobody(given.identity)) throw new AuthKitException('unidentified');
    identity.identity = given.identity as string;
    identity.identityType = given.identityType ?? undefined;
  } else {
    throw invalid(`identity must be a string, not ${describe(candidate)}`);
  }

  // Before the rules run over all of it; they also count some characters as none.
  if (
    typeof identity.identity === 'string' &&
    identity.identity.length > MAX_LENGTH
  ) {
    throw invalid(
      `identity must have 1 to ${MAX_LENGTH} characters, not ${describe(identity.identity)}`,
    );
  }
  const [error] = validateSync(identity);
  if (error) {
    const [reason] = Object.values(error.constraints ?? {});
    throw invalid(`${reason}, not ${describe(error.value)}`);
  }
  valid.add(Object.freeze(identity));
  return identity;
}

/** What has been found valid and cannot have changed: the guard's findings, which the service need not check again. */
const valid = new WeakSet<object>();

function isValid(candidate: unknown): candidate is AuthKitIdentity {
  return valid.has(candidate as object);
}

function isNobody(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    (typeof value === 'string' && value.length <= 256 && value.trim() === '')
  );
}

function invalid(message: string): AuthKitException {
  return new AuthKitException('invalid_identity', { message: `${message}.` });
}

/** The kind of a value, never the value: it may be anything that a request carried. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string')
    return `a string of ${value.length} characters`;
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}
