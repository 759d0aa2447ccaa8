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

/**
 * Returns the identity of an HTTP request, for code that has no
 * `@CurrentIdentity()`: a guard, an interceptor, a logger. `undefined` before
 * {@link AuthKitIdentityGuard}, or the guard for grants, has stored it. On
 * Fastify the request is Fastify's own, not its `raw`.
 *
 * @publicApi
 */
export function getRequestIdentity(
  request: object,
): AuthKitIdentity | undefined {
  return (request as { [IDENTITY]?: AuthKitIdentity })[IDENTITY];
}

/** The property of a request that holds when its deadline began. */
const STARTED_AT = Symbol.for('nestjs-pica-authkit:request-started-at');

/** Starts the deadline of a request, if it has not begun. */
export function startRequestClock(
  request: object & { [STARTED_AT]?: number },
): void {
  if (request[STARTED_AT] !== undefined) return;
  Object.defineProperty(request, STARTED_AT, { value: performance.now() });
}

/** When the deadline of a request began, on the clock of `performance.now()`. */
export function getRequestStart(
  request: object & { [STARTED_AT]?: number },
): number | undefined {
  return request[STARTED_AT];
}
