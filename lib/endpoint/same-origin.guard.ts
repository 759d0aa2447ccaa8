import {
  ForbiddenException,
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { ModuleOptions } from '../options/module.options.js';
import { isOwnPage } from './own-page.js';
import type { PlatformRequest } from './token-url.js';

/**
 * Refuses requests from pages of another origin, apart from the `pageOrigins`.
 * The browser sends the user's cookies with them, so a cookie alone would be enough.
 *
 * @throws {ForbiddenException} (403)
 * @internal
 */
@Injectable()
export class SameOriginGuard implements CanActivate {
  constructor(
    @Inject(AUTHKIT_OPTIONS) private readonly options: ModuleOptions,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    const { pageOrigins, grant } = this.options;
    const { origin } = request.headers;
    if (origin !== undefined && pageOrigins.includes(origin)) return true;
    if (isOwnPage(request, grant?.url)) return true;
    throw new ForbiddenException(
      'Only pages of the same origin, and of the pageOrigins, may call this route. ' +
        'If this page is of the same origin, a proxy hides the host of the app: set trust proxy, or grant.url.',
    );
  }
}
