import { createHmac } from 'node:crypto';

/**
 * A key of the cache's store: an HMAC, so that whoever reads the store neither
 * learns the secret nor can tell whose entry it is.
 *
 * @param secret the key of the HMAC
 * @param parts everything that the value depends on, beside the secret
 */
export function cacheKey(
  kind: 'flags' | 'connectors' | 'integrations' | 'pages' | 'grant',
  secret: string,
  ...parts: (string | number)[]
): string {
  const hmac = createHmac('sha256', secret)
    .update(JSON.stringify([kind, ...parts]))
    .digest('base64url');
  return `authkit:${kind}:${hmac}`;
}
