import { randomUUID } from 'node:crypto';
import { VERSION_NEUTRAL } from '@nestjs/common';
import {
  parseIdentity,
  type AuthKitIdentity,
} from '../identity/authkit-identity.js';
import {
  DEFAULT_PATH,
  type AuthKitControllerOptions,
} from '../options/controller.options.js';
import type { GrantOptions } from '../options/grant.options.js';
import type { ModuleOptions } from '../options/module.options.js';
import { invalidGrant, type InvalidGrantReason } from './invalid-grant.js';

/**
 * The `typ` header of a grant. It is explicit, so that no other JWT signed with
 * the same secret passes as a grant, and no grant as one of those.
 */
const GRANT_TYPE = 'authkit-grant+jwt';

/** The audience of grants that the app's own controllers accept. */
const SERVICE_AUDIENCE = 'authkit-grant-service';

/** The maximum length of a grant. An identity has 256 characters at most, so no grant comes near. */
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
  /** The id of the grant. */
  readonly jti: string;
  /** When this instance accepts it for the last time, in ms since 1970. */
  readonly acceptedUntil: number;
  /** ms until no instance accepts it any more, the one whose clock is behind included. */
  readonly remaining: number;
}

/** Signs and verifies the grants of one registration. */
export interface GrantJwt {
  sign(identity: AuthKitIdentity): Promise<SignedGrant>;
  /** @throws {AuthKitException} `unidentified`, with a message that says what is wrong */
  verify(grant: string): Promise<GrantClaims>;
}

/**
 * Signs and verifies grants as JWTs: HS256, with issuer, audience, `sub`, `identityType`, `tenant`, `iat`, `exp` and `jti`.
 *
 * @param audience the default of `grant.audience`
 * @throws {Error} where `jose` is not installed
 */
async function createGrantJwt(
  options: GrantOptions,
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
    // The grants of a longer `ttl`, which is configured no more, end with the new one.
    maxTokenAge: ttl,
  };

  return {
    async sign({ identity, identityType, tenant }) {
      const now = Math.floor(Date.now() / 1_000);
      const grant = await new SignJWT({ identityType, tenant })
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
  { grant }: ModuleOptions,
  audience: string,
): Promise<GrantJwt> | undefined {
  return grant && createGrantJwt(grant, audience);
}

function parseClaims({
  sub,
  identityType,
  tenant,
  jti,
  exp,
}: Record<string, unknown>): GrantClaims {
  if (typeof jti !== 'string') throw invalidGrant('invalid');
  const acceptedUntil = ((exp as number) + CLOCK_TOLERANCE) * 1_000;
  return {
    identity: parseSubject({ identity: sub, identityType, tenant }),
    jti,
    acceptedUntil,
    remaining: acceptedUntil + CLOCK_TOLERANCE * 1_000 - Date.now(),
  };
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

/**
 * The default audience of a registration's grants: the path and version of its
 * controller, on which all instances of an app agree. Registrations that differ
 * in neither, or that have no route, need `grant.audience`.
 *
 * @param controller the options of the controller; `undefined` without a controller
 */
export function defaultAudience(
  controller: Pick<AuthKitControllerOptions, 'path' | 'version'> | undefined,
): string {
  if (!controller) return SERVICE_AUDIENCE;
  const { path = DEFAULT_PATH, version } = controller;
  const route = `/${path}`.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '');
  if (version === undefined) return route;
  const versions = [version]
    .flat()
    .map((each) => (each === VERSION_NEUTRAL ? 'neutral' : String(each)));
  return `${route}#${versions.join(',')}`;
}
