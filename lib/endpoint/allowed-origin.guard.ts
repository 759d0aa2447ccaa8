import {
  ForbiddenException,
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { tokenOrigins } from './cors.js';
import { isOwnPage } from './own-page.js';
import type { PlatformRequest } from './token-url.js';

/**
 * Refuses requests for a token from pages that are neither the app's own, nor
 * the vendor's widget, nor in the `allowedOrigins`. Such a page cannot read the
 * response, but the browser sends cookies with `SameSite=None`, and every
 * request would use up calls of the vendor's plan.
 *
 * @throws {ForbiddenException} (403)
 * @internal
 */
@Injectable()
export class AllowedOriginGuard implements CanActivate {
  constructor(
    @Inject(AUTHKIT_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    const { origin } = request.headers;
    if (
      origin === undefined ||
      tokenOrigins(this.options).includes(origin) ||
      isOwnPage(request, this.options.grant?.url)
    ) {
      return true;
    }
    throw new ForbiddenException(
      'Pages of this origin may not request tokens. If it is a page of this app, add its origin to allowedOrigins. ' +
        'If it has the same origin as this route, a proxy hides the host of the app: set trust proxy.',
    );
  }
}
