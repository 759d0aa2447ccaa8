import { createHmac } from 'node:crypto';
import { BoundedMap } from '../bounded-map.js';

type Kind = 'flags' | 'connectors' | 'integrations' | 'pages' | 'grant';

/** The maximum number of accounts whose key is remembered. */
const MAX_ACCOUNTS = 1_000;

/**
 * A key of the cache's store: an HMAC, so that whoever reads the store neither
 * learns the secret nor can tell whose entry it is.
 *
 * @param secret the key of the HMAC
 * @param parts everything that the value depends on, beside the secret
 */
export function cacheKey(
  kind: Kind,
  secret: string,
  ...parts: (string | number)[]
): string {
  const hmac = createHmac('sha256', secret)
    .update(JSON.stringify([kind, ...parts]))
    .digest('base64url');
  return `authkit:${kind}:${hmac}`;
}

/**
 * Returns the function from accounts to their keys. It remembers them, since
 * every token needs them, and an HMAC costs more than the look-up.
 *
 * @param parts everything that the value depends on, beside the account
 */
export function accountKeys(
  kind: Kind,
  ...parts: (string | number)[]
): (account: string) => string {
  const keys = new BoundedMap<string>(MAX_ACCOUNTS);
  return (account) => {
    const known = keys.get(account);
    if (known !== undefined) return known;
    const key = cacheKey(kind, account, ...parts);
    keys.set(account, key);
    return key;
  };
}
