import { SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import type { HttpResponse } from './http.js';

export const GRANT_SECRET = 'a secret of the tests, long enough for HS256';
export const OTHER_SECRET = 'another secret, which is long enough as well';

/** The grant in a response of the grant route, without `Bearer`. */
export function grantOf({ body }: HttpResponse): string {
  return (body.headers.Authorization as string).replace('Bearer ', '');
}

/** The header with which the widget sends a grant. */
export const bearer = (grant: string) => ({
  authorization: `Bearer ${grant}`,
});

/** Seconds since 1970. */
export const now = () => Math.floor(Date.now() / 1_000);

/** The claims of a valid grant for `/authkit-token`. */
export const grantClaims = (): JWTPayload => ({
  iss: 'nestjs-pica-authkit',
  aud: '/authkit-token',
  sub: 'ada',
  identityType: 'user',
  iat: now(),
  exp: now() + 60,
  jti: crypto.randomUUID(),
});

/** Signs a grant as the module does, apart from what is given. */
export function forge(
  changes: JWTPayload = {},
  { alg = 'HS256', typ = 'authkit-grant+jwt', secret = GRANT_SECRET } = {},
): Promise<string> {
  return new SignJWT({ ...grantClaims(), ...changes })
    .setProtectedHeader({ alg, typ })
    .sign(new TextEncoder().encode(secret));
}

/** A grant with `alg: none` and an empty signature. */
export function unsignedGrant(): string {
  const [, payload] = new UnsecuredJWT(grantClaims()).encode().split('.');
  const header = { alg: 'none', typ: 'authkit-grant+jwt' };
  return `${encodePart(header)}.${payload}.`;
}

/** Encodes an object as a part of a JWT. */
export function encodePart(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
