import {
  ForbiddenException,
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { getRoutePath } from '../identity/get-request.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { createWarnOnce } from '../warn-once.js';
import { tokenOrigins, warnOfOrigin, type OriginOption } from './cors.js';
import { isSameOrigin, type PlatformRequest } from './is-same-origin.js';

/**
 * Refuses requests from pages of another origin, apart from the `pageOrigins`.
 * The browser sends the user's cookies with them, so a cookie alone would be enough.
 *
 * @throws {ForbiddenException} (403)
 * @internal
 */
@Injectable()
export class PageOriginGuard implements CanActivate {
  protected readonly option: OriginOption = 'pageOrigins';
  private readonly warnOnce = createWarnOnce();

  constructor(
    @Inject(AUTHKIT_OPTIONS) protected readonly options: ResolvedOptions,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    const { origin } = request.headers;
    if (origin !== undefined && this.origins().includes(origin)) return true;
    if (isSameOrigin(request, this.options.grant?.url)) return true;
    const path = getRoutePath(request) ?? 'this route';
    warnOfOrigin(this.warnOnce, origin, path, this.option, '403');
    throw new ForbiddenException(
      'This page may not connect accounts. Please contact the support of this app.',
    );
  }

  protected origins(): readonly string[] {
    return this.options.pageOrigins;
  }
}

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
export class AllowedOriginGuard extends PageOriginGuard {
  protected override readonly option = 'allowedOrigins';

  protected override origins(): readonly string[] {
    return tokenOrigins(this.options);
  }
}
