import type { IncomingHttpHeaders } from 'node:http';
import {
  Inject,
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Sessions } from './sessions.js';
import type { SignedInUser } from './users.js';

/** The part of a request, of Express or of Fastify, that matters here. */
interface SignedInRequest {
  headers: IncomingHttpHeaders;
  user?: SignedInUser;
}

/**
 * Lets in who is signed in, and puts the user on the request: there
 * nestjs-pica-authkit finds `user.id` by default.
 */
@Injectable()
export class SessionGuard implements CanActivate {
  constructor(@Inject(Sessions) private readonly sessions: Sessions) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<SignedInRequest>();
    request.user = await this.sessions.userOf(request);
    if (!request.user) throw new UnauthorizedException('Please sign in.');
    return true;
  }
}
