import type { IncomingHttpHeaders } from 'node:http';
import {
  Inject,
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { SessionService } from './session.service.js';
import type { SignedInUser } from './users.js';

/** The part of an Express or Fastify request that the guard uses. */
interface SignedInRequest {
  headers: IncomingHttpHeaders;
  user?: SignedInUser;
}

/**
 * Requires a session and sets `request.user`. By default, nestjs-pica-authkit
 * reads the identity from `request.user.id`.
 */
@Injectable()
export class SessionGuard implements CanActivate {
  constructor(
    @Inject(SessionService) private readonly sessions: SessionService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<SignedInRequest>();
    request.user = await this.sessions.getUser(request);
    if (!request.user) throw new UnauthorizedException('Please sign in.');
    return true;
  }
}
