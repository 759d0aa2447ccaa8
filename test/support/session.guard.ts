import {
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';

/** Stands for an app with cookie sessions: `Cookie: sid=ada` is the session of the user `ada`. */
@Injectable()
export class SessionGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest();
    const [, id] = /\bsid=([^;]+)/.exec(request.headers.cookie ?? '') ?? [];
    if (!id) throw new UnauthorizedException('No session');
    request.user = { id };
    return true;
  }
}
