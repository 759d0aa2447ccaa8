import type { IncomingHttpHeaders } from 'node:http';
import {
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { rememberIdentity } from '../identity/request-identity.js';
import { bearerOf } from './bearer.js';
import { AuthKitGrantService } from './grant.service.js';

/**
 * Lets those in who bring a grant, and them alone.
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
    rememberIdentity(request, await this.grants.verify(bearerOf(request)));
    return true;
  }
}
