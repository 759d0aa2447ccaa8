import { createHmac } from 'node:crypto';

/**
 * The key under which the store keeps something: an HMAC, so that whoever reads
 * the store learns nothing of the secret, and cannot tell whose entry it is.
 *
 * @param secret what makes the HMAC
 * @param facts all that the value depends on, beside the secret
 */
export function storeKey(
  kind: 'flags' | 'catalogue' | 'grant',
  secret: string,
  ...facts: (string | number)[]
): string {
  const hmac = createHmac('sha256', secret)
    .update(JSON.stringify([kind, ...facts]))
    .digest('base64url');
  return `authkit:${kind}:${hmac}`;
}
