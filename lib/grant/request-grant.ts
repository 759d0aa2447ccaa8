import type { GrantClaims } from './grant-jwt.js';

/** The property of a request that holds its grant: a symbol, which no client can send. */
const GRANT = Symbol.for('nestjs-pica-authkit:grant');

/** Stores the verified grant of a request, for the handler that redeems it. */
export function setRequestGrant(request: object, grant: GrantClaims): void {
  Object.defineProperty(request, GRANT, { value: grant, configurable: true });
}

/** Returns the verified grant of a request; `undefined` where another guard has identified the caller. */
export function getRequestGrant(request: object): GrantClaims | undefined {
  return (request as { [GRANT]?: GrantClaims })[GRANT];
}
