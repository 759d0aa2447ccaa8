import { randomUUID } from 'node:crypto';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import { toIdentity } from '../identity/to-identity.js';
import { GRANT_TYPE, isCompactJwt } from './grant-format.js';
import type { GrantOptions } from './grant.options.js';
import { loadJose } from './jose.js';
import { refusedGrant, type GrantRefusal } from './refused-grant.js';

/** Seconds by which the clocks of two instances may differ. */
const CLOCK_TOLERANCE = 5;

const ALGORITHM = 'HS256';

/** A grant just signed. */
export interface SignedGrant {
  /** The JWT, in compact form. */
  readonly grant: string;
  readonly expiresAt: Date;
}

/** What a verified grant says. */
export interface GrantClaims {
  readonly who: AuthKitIdentity;
  /** The grant's own id. */
  readonly jti: string;
  /** ms from now until no instance takes it any more. */
  readonly remaining: number;
}

/** Signs and verifies the grants of one registration. */
export interface GrantJwt {
  sign(who: AuthKitIdentity): Promise<SignedGrant>;
  /** @throws {AuthKitException} `unidentified`, with a message that tells what is wrong */
  open(grant: string): Promise<GrantClaims>;
}

/**
 * Grants as JWTs: HS256, with issuer, audience, `sub`, `identityType`, `iat`, `exp` and `jti`.
 *
 * @param audience where the options name none
 * @throws {Error} where `jose` is not installed
 */
async function createGrantJwt(
  options: GrantOptions,
  audience: string,
): Promise<GrantJwt> {
  const { jwtVerify, SignJWT } = await loadJose();
  const keys = options
    .secrets()
    .map((secret) => new TextEncoder().encode(secret));
  const { issuer, ttl } = options;
  const expected = {
    algorithms: [ALGORITHM],
    typ: GRANT_TYPE,
    issuer,
    audience: options.audience ?? audience,
    requiredClaims: ['sub', 'iat', 'exp', 'jti'],
    clockTolerance: CLOCK_TOLERANCE,
  };

  return {
    async sign({ identity, identityType }) {
      const now = Math.floor(Date.now() / 1_000);
      const grant = await new SignJWT({ identityType })
        .setProtectedHeader({ alg: ALGORITHM, typ: GRANT_TYPE })
        .setIssuer(issuer)
        .setAudience(expected.audience)
        .setSubject(identity)
        .setIssuedAt(now)
        .setExpirationTime(now + ttl)
        .setJti(randomUUID())
        .sign(keys[0]!);
      return { grant, expiresAt: new Date((now + ttl) * 1_000) };
    },

    async open(grant) {
      if (!isCompactJwt(grant)) throw refusedGrant('invalid');
      const { payload, protectedHeader } = await verify(grant);
      // jose takes lists of audiences, and other spellings of a type.
      if (protectedHeader.typ !== GRANT_TYPE) throw refusedGrant('invalid');
      if (payload.aud !== expected.audience) throw refusedGrant('elsewhere');
      return claimsOf(payload);
    },
  };

  async function verify(grant: string) {
    for (const key of keys) {
      try {
        return await jwtVerify(grant, key, expected);
      } catch (error) {
        // Signed with another secret, perhaps the next one.
        if (!isSignatureFault(error)) throw refusedGrant(refusalOf(error));
      }
    }
    throw refusedGrant('invalid');
  }
}

/** The grants of a registration, where its options ask for them. */
export function provideGrantJwt(
  { grant }: { grant?: GrantOptions },
  audience: string,
): Promise<GrantJwt> | undefined {
  return grant && createGrantJwt(grant, audience);
}

function claimsOf({
  sub,
  identityType,
  jti,
  iat,
  exp,
}: Record<string, unknown>): GrantClaims {
  if (typeof jti !== 'string') throw refusedGrant('invalid');
  // Else an instance whose clock is ahead would make grants that are good for longer.
  if ((iat as number) > Date.now() / 1_000 + CLOCK_TOLERANCE) {
    throw refusedGrant('early');
  }
  const until = ((exp as number) + CLOCK_TOLERANCE) * 1_000;
  return {
    who: identityOf({ identity: sub, identityType }),
    jti,
    remaining: Math.max(0, until - Date.now()),
  };
}

function identityOf(candidate: unknown): AuthKitIdentity {
  try {
    return toIdentity(candidate);
  } catch {
    throw refusedGrant('invalid');
  }
}

function isSignatureFault(error: unknown): boolean {
  return codeOf(error) === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED';
}

function refusalOf(error: unknown): GrantRefusal {
  if (codeOf(error) === 'ERR_JWT_EXPIRED') return 'expired';
  const { claim } = error as { claim?: unknown };
  if (claim === 'nbf') return 'early';
  return claim === 'aud' || claim === 'iss' ? 'elsewhere' : 'invalid';
}

/** jose's errors by their codes: apps may have its classes twice, as ESM and as CommonJS. */
function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}
