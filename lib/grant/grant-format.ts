/**
 * The `typ` header of a grant: explicit, so that no other JWT that the app may
 * sign with the same secret is taken for one, nor a grant for one of those.
 */
export const GRANT_TYPE = 'authkit-grant+jwt';

/** Far beyond what a grant of ours can be: an identity has 256 characters at most. */
const MAX_LENGTH = 8_192;

/**
 * Whether a text is written as JWTs are: three parts of canonical base64url.
 * Decoders are lenient; this keeps every grant to one spelling.
 */
export function isCompactJwt(text: string): boolean {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return false;
  const parts = text.split('.');
  return parts.length === 3 && parts.every(isCanonical);
}

/** Whether a bearer poses as a grant, as its header says; it is not verified. */
export function looksLikeGrant(bearer: string): boolean {
  if (!isCompactJwt(bearer)) return false;
  try {
    const [header] = bearer.split('.');
    const { typ } = JSON.parse(Buffer.from(header!, 'base64url').toString());
    return typ === GRANT_TYPE;
  } catch {
    return false;
  }
}

function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}
