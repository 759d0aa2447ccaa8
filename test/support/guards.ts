import {
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';

/** A guard for bearer tokens: `Authorization: Bearer ada` is the user `ada`. */
@Injectable()
export class SignInGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest();
    const [, id] = /^Bearer (.+)$/.exec(request.headers.authorization) ?? [];
    if (!id) throw new UnauthorizedException('Sign in first');
    request.user = { id };
    return true;
  }
}

/** A guard for cookie sessions: `Cookie: sid=ada` is the session of the user `ada`. */
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

/** A guard that lets every request pass and identifies no user. */
@Injectable()
export class OpenGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}
