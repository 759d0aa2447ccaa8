import {
  ForbiddenException,
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { createWarnOnce, formatOrigin } from '../warn-once.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
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
  private readonly warnOnce = createWarnOnce();

  constructor(
    @Inject(AUTHKIT_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    const { pageOrigins, grant } = this.options;
    const { origin } = request.headers;
    if (origin !== undefined && pageOrigins.includes(origin)) return true;
    if (isOwnPage(request, grant?.url)) return true;
    this.warn(origin);
    throw new ForbiddenException(
      'Only pages of the same origin, and of the pageOrigins, may call this route. ' +
        'If this page is of the same origin, a proxy hides the host of the app: set trust proxy, or grant.url.',
    );
  }

  private warn(origin: string | undefined): void {
    const page =
      origin === undefined ? 'without an Origin' : `of ${formatOrigin(origin)}`;
    this.warnOnce(
      page,
      [
        `A page ${page} may not call the grant and connections routes (403).`,
        'If it is a page of this app on another origin, add its origin to pageOrigins.',
        'If it has the same origin as these routes, a proxy hides the host of the app: set trust proxy, or grant.url.',
        '(Logged once for each origin.)',
      ].join(' '),
    );
  }
}
