import { randomUUID } from 'node:crypto';
import { AuthKitException } from '../authkit.exception.js';
import type { AuthKitConnectionLabel } from '../authkit.types.js';
import {
  parseIdentity,
  type AuthKitIdentity,
} from '../identity/authkit-identity.js';
import { isConnectionLabel } from '../options/connection-label.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

/**
 * The `typ` header of a grant. It is explicit, so that no other JWT signed with
 * the same secret passes as a grant, and no grant as one of those.
 */
const GRANT_TYPE = 'authkit-grant+jwt';

/** The maximum length of a grant: servers accept headers of 16 kB in all. */
const MAX_LENGTH = 8_192;

/** The maximum difference between the clocks of two instances in seconds. */
const CLOCK_TOLERANCE = 5;

const ALGORITHM = 'HS256';

/** A signed grant. */
export interface SignedGrant {
  /** The JWT, in compact form. */
  readonly grant: string;
  readonly expiresAt: Date;
}

/** The claims of a verified grant. */
export interface GrantClaims {
  readonly identity: AuthKitIdentity;
  /** Name and tags of the connections; `undefined` if the grant does not carry them. */
  readonly label?: AuthKitConnectionLabel;
  /** The id of the grant. */
  readonly jti: string;
  /** When this instance accepts it for the last time, in ms since 1970. */
  readonly acceptedUntil: number;
  /** ms until no instance accepts it any more, the one whose clock is behind included. */
  readonly remaining: number;
}

/** Signs and verifies the grants of one registration. */
export interface GrantJwt {
  /** @throws {AuthKitException} `unavailable` if name and tags make the grant too long */
  sign(
    identity: AuthKitIdentity,
    label: AuthKitConnectionLabel,
  ): Promise<SignedGrant>;
  /** @throws {AuthKitException} `unidentified`, with a message that says what is wrong */
  verify(grant: string): Promise<GrantClaims>;
}

/**
 * Signs and verifies grants as JWTs: HS256, with issuer, audience, `sub`, `identityType`, `tenant`, `name`, `tags`, `iat`, `exp` and `jti`.
 *
 * @param audience the default of `grant.audience`
 * @throws {Error} where `jose` is not installed
 */
async function createGrantJwt(
  options: NonNullable<ResolvedOptions['grant']>,
  audience: string,
): Promise<GrantJwt> {
  const { jwtVerify, SignJWT } = await loadJose();
  const keys = [options.secret.reveal()]
    .flat()
    .map((secret) => new TextEncoder().encode(secret));
  const { issuer, ttl } = options;
  const expected = {
    algorithms: [ALGORITHM],
    typ: GRANT_TYPE,
    issuer,
    audience: options.audience ?? audience,
    requiredClaims: ['sub', 'iat', 'exp', 'jti'],
    clockTolerance: CLOCK_TOLERANCE,
    // If `ttl` was shortened, older grants expire after the new `ttl` too.
    maxTokenAge: ttl,
  };

  return {
    async sign({ identity, identityType, tenant }, { name, tags }) {
      const now = Math.floor(Date.now() / 1_000);
      const grant = await new SignJWT({ identityType, tenant, name, tags })
        .setProtectedHeader({ alg: ALGORITHM, typ: GRANT_TYPE })
        .setIssuer(issuer)
        .setAudience(expected.audience)
        .setSubject(identity)
        .setIssuedAt(now)
        .setExpirationTime(now + ttl)
        .setJti(randomUUID())
        .sign(keys[0]!);
      if (grant.length > MAX_LENGTH) {
        throw new AuthKitException('unavailable', {
          cause: new Error(
            `name and tags make the grant longer than ${MAX_LENGTH} characters`,
          ),
        });
      }
      return { grant, expiresAt: new Date((now + ttl) * 1_000) };
    },

    async verify(grant) {
      if (!isCompactJwt(grant)) throw invalidGrant('invalid');
      const { payload, protectedHeader } = await verifySignature(grant);
      // jose accepts lists of audiences, and other spellings of a type.
      if (protectedHeader.typ !== GRANT_TYPE) throw invalidGrant('invalid');
      if (payload.aud !== expected.audience) {
        throw invalidGrant('wrong_audience');
      }
      return parseClaims(payload);
    },
  };

  async function verifySignature(grant: string) {
    for (const key of keys) {
      try {
        return await jwtVerify(grant, key, expected);
      } catch (error) {
        // Signed with another secret, perhaps the next one.
        if (!isSignatureError(error)) throw invalidGrant(reasonOf(error));
      }
    }
    throw invalidGrant('invalid');
  }
}

/** @throws {Error} that names the missing option, without a signer and verifier */
export function requireJwt(jwt: GrantJwt | undefined): GrantJwt {
  if (jwt) return jwt;
  throw new Error(
    'AuthKitGrantService needs the option grant: { secret } of AuthKitModule, of at least 32 bytes.',
  );
}

/** Creates the signer and verifier of a registration that has the option `grant`. */
export function provideGrantJwt(
  { grant }: ResolvedOptions,
  audience: string,
): Promise<GrantJwt> | undefined {
  return grant && createGrantJwt(grant, audience);
}

function parseClaims({
  sub,
  identityType,
  tenant,
  name,
  tags,
  jti,
  exp,
}: Record<string, unknown>): GrantClaims {
  if (typeof jti !== 'string') throw invalidGrant('invalid');
  const acceptedUntil = ((exp as number) + CLOCK_TOLERANCE) * 1_000;
  return {
    identity: parseSubject({ identity: sub, identityType, tenant }),
    label: parseLabel({ name, tags }),
    jti,
    acceptedUntil,
    remaining: acceptedUntil + CLOCK_TOLERANCE * 1_000 - Date.now(),
  };
}

function parseLabel(label: object): AuthKitConnectionLabel | undefined {
  return isConnectionLabel(label) ? label : undefined;
}

function parseSubject(candidate: unknown): AuthKitIdentity {
  try {
    return parseIdentity(candidate);
  } catch {
    throw invalidGrant('invalid');
  }
}

function isSignatureError(error: unknown): boolean {
  return codeOf(error) === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED';
}

function reasonOf(error: unknown): InvalidGrantReason {
  if (codeOf(error) === 'ERR_JWT_EXPIRED') return 'expired';
  const { claim, reason } = error as { claim?: unknown; reason?: unknown };
  if (reason === 'check_failed' && (claim === 'nbf' || claim === 'iat')) {
    return 'not_yet_valid';
  }
  return claim === 'aud' || claim === 'iss' ? 'wrong_audience' : 'invalid';
}

/** The code of jose's error: an app may have jose's classes twice, as ESM and as CommonJS. */
function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

/**
 * Loads `jose`, an optional peer: apps without grants need not install it.
 *
 * @throws {Error} that says how to install it
 */
async function loadJose(): Promise<typeof import('jose')> {
  try {
    return await import('jose');
  } catch (cause) {
    throw new Error(
      'AuthKitModule: grants are signed with the package "jose", which could not be loaded: ' +
        'npm install jose (in tests by Jest on CommonJS: npm install jose@5).',
      { cause },
    );
  }
}

/** Whether a bearer claims to be a grant, by its header. It is not verified. */
export function hasGrantType(bearer: string): boolean {
  if (!isCompactJwt(bearer)) return false;
  try {
    const [header] = bearer.split('.');
    const { typ } = JSON.parse(Buffer.from(header!, 'base64url').toString());
    return typ === GRANT_TYPE;
  } catch {
    return false;
  }
}

/**
 * Whether a text has the form of a JWT: three parts of canonical base64url.
 * Decoders are lenient; this leaves every grant one spelling.
 */
function isCompactJwt(text: string): boolean {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return false;
  const parts = text.split('.');
  return (
    parts.length === 3 &&
    parts.every(
      (part) => Buffer.from(part, 'base64url').toString('base64url') === part,
    )
  );
}

const NOT_OPENED =
  'This dialog could not be opened. Please close it and try again.';

/** Why a grant is invalid, and the message that the widget shows to the user. */
const MESSAGES = {
  missing: NOT_OPENED,
  expired: 'The grant has expired. Please open the dialog again.',
  not_yet_valid:
    'The grant is not valid yet: a clock is wrong. Please open the dialog again in a moment.',
  wrong_audience: NOT_OPENED,
  used: 'The grant has been used already. Please open the dialog again.',
  invalid: 'The grant is not valid. Please open the dialog again.',
} as const;

/** What the log says beside the reason. */
const HINTS: Partial<Record<InvalidGrantReason, string>> = {
  missing: ' (the page has to pass what POST …/grant returns to the widget)',
  wrong_audience: ' (it was made for another endpoint)',
};

/** Why a grant is invalid. */
export type InvalidGrantReason = keyof typeof MESSAGES;

/** The error for an invalid grant: 401 `unidentified`, with nothing of the grant in it. */
export function invalidGrant(reason: InvalidGrantReason): AuthKitException {
  return new AuthKitException('unidentified', {
    message: MESSAGES[reason],
    cause: new Error(`grant refused: ${reason}${HINTS[reason] ?? ''}`),
  });
}
