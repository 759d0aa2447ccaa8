import { randomBytes } from 'node:crypto';

/**
 * Sets a random grant secret if `AUTHKIT_GRANT_SECRET` is not set.
 *
 * A random secret is enough for a single process, because grants expire after
 * minutes. Several instances must share one secret.
 */
export function ensureGrantSecret(): void {
  process.env.AUTHKIT_GRANT_SECRET ||= randomBytes(48).toString('base64');
}
