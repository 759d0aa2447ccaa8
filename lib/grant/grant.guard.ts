import type { IncomingHttpHeaders } from 'node:http';
import {
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { setRequestIdentity } from '../identity/request-identity.js';
import { AuthKitGrantService } from './grant.service.js';

/**
 * Requires a valid grant.
 *
 * @throws {AuthKitException} `unidentified` (401)
 * @internal
 */
@Injectable()
export class AuthKitGrantGuard implements CanActivate {
  constructor(
    @Inject(AuthKitGrantService) private readonly grants: AuthKitGrantService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context
      .switchToHttp()
      .getRequest<{ headers: IncomingHttpHeaders }>();
    const grant = extractBearerToken(request);
    setRequestIdentity(request, await this.grants.verify(grant));
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
