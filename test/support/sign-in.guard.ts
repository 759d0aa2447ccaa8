import {
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';

/** Stands for the app's own guard: `Authorization: Bearer ada` signs in the user `ada`. */
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

/** Stands for a guard that lets strangers in, and leaves the identity to others. */
@Injectable()
export class OpenGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}
