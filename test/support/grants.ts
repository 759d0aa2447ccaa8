import { SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { read, type Answer } from './widget.js';

export const GRANT_SECRET = 'a secret of the tests, long enough for HS256';
export const SECRET = GRANT_SECRET;
export const OTHER_SECRET = 'another secret, which is long enough as well';

/** Asks for a grant as a page of the app does, by default in the session of `ada`. */
export async function askForGrant(
  url: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return read(
    await fetch(`${url}/grant`, {
      method: 'POST',
      headers: {
        cookie: 'sid=ada',
        'sec-fetch-site': 'same-origin',
        ...headers,
      },
    }),
  );
}

/** The grant of an answer, without `Bearer`. */
export function grantOf({ body }: Answer): string {
  return (body.headers.Authorization as string).replace('Bearer ', '');
}

/** The headers with which the widget brings a grant. */
export const bearing = (grant: string) => ({
  authorization: `Bearer ${grant}`,
});

/** Seconds since 1970. */
export const now = () => Math.floor(Date.now() / 1_000);

/** What a grant for `/authkit-token` says when everything is right. */
export const claims = (): JWTPayload => ({
  iss: 'nestjs-pica-authkit',
  aud: '/authkit-token',
  sub: 'ada',
  identityType: 'user',
  iat: now(),
  exp: now() + 60,
  jti: crypto.randomUUID(),
});

/** Signs claims as the module does, apart from what is given. */
export function forge(
  changes: JWTPayload = {},
  { alg = 'HS256', typ = 'authkit-grant+jwt', secret = SECRET } = {},
): Promise<string> {
  return new SignJWT({ ...claims(), ...changes })
    .setProtectedHeader({ alg, typ })
    .sign(new TextEncoder().encode(secret));
}

/** A token that claims to need no signature. */
export function unsigned(): string {
  const [, payload] = new UnsecuredJWT(claims()).encode().split('.');
  const header = { alg: 'none', typ: 'authkit-grant+jwt' };
  return `${encode(header)}.${payload}.`;
}

/** An object as a part of a JWT. */
export function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
