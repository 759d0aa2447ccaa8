import type { IncomingHttpHeaders } from 'node:http';
import {
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import {
  setRequestIdentity,
  startRequestClock,
} from '../identity/get-request.js';
import type { GrantClaims } from './grant-jwt.js';
import { GrantVerifier } from './grant-verifier.js';

/** The property of a request that holds its grant: a symbol, which no client can send. */
const GRANT = Symbol.for('nestjs-pica-authkit:grant');

/**
 * Requires a valid grant. It does not use it up: the token route redeems it.
 *
 * @throws {AuthKitException} `unidentified` (401)
 * @internal
 */
@Injectable()
export class AuthKitGrantGuard implements CanActivate {
  constructor(@Inject(GrantVerifier) private readonly grants: GrantVerifier) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context
      .switchToHttp()
      .getRequest<{ headers: IncomingHttpHeaders }>();
    startRequestClock(request);
    const grant = await this.grants.verify(extractBearerToken(request));
    setRequestIdentity(request, grant.identity);
    Object.defineProperty(request, GRANT, { value: grant, configurable: true });
    return true;
  }
}

/** The token of `Authorization: Bearer …`, or `undefined`. */
export function extractBearerToken({
  headers,
}: {
  headers: IncomingHttpHeaders;
}): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** Returns the verified grant of a request; `undefined` if another guard has identified the caller. */
export function getRequestGrant(request: object): GrantClaims | undefined {
  return (request as { [GRANT]?: GrantClaims })[GRANT];
}
