import { randomBytes } from 'node:crypto';

/**
 * Where no secret for grants is set, makes one for this start. Enough for one
 * process, whose grants are good for minutes; instances have to share theirs.
 */
export function makeGrantSecretUnlessSet(): void {
  process.env.AUTHKIT_GRANT_SECRET ||= randomBytes(48).toString('base64');
}
