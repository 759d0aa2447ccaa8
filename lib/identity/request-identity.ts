import type { AuthKitIdentity } from './authkit-identity.js';

/** Beside the requests, not on them: nothing that a client sends can pose as an entry. */
const identities = new WeakMap<object, AuthKitIdentity>();

/** Notes who makes a request. */
export function rememberIdentity(request: object, who: AuthKitIdentity): void {
  identities.set(request, who);
}

/** Who makes a request, once the guard has found out. */
export function identityOf(request: object): AuthKitIdentity | undefined {
  return identities.get(request);
}
