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
} from '../identity/request-identity.js';
import { GrantVerifier } from './grant-verifier.js';
import { setRequestGrant } from './request-grant.js';

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
    setRequestGrant(request, grant);
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
