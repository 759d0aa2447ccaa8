import type { AuthKitIdentity } from './authkit-identity.js';

/** The property of a request that holds its identity: a symbol, which no client can send. */
const IDENTITY = Symbol.for('nestjs-pica-authkit:identity');

/** Stores the identity of a request, for the handler. */
export function setRequestIdentity(
  request: object,
  identity: AuthKitIdentity,
): void {
  Object.defineProperty(request, IDENTITY, {
    value: identity,
    configurable: true,
  });
}

/** Returns the identity of a request, or `undefined` before a guard has stored it. */
export function getRequestIdentity(
  request: object,
): AuthKitIdentity | undefined {
  return (request as { [IDENTITY]?: AuthKitIdentity })[IDENTITY];
}
