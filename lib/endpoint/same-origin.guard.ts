import {
  ForbiddenException,
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { ModuleOptions } from '../options/module.options.js';
import { hostOf, type PlatformRequest } from './token-url.js';

/**
 * Refuses requests from pages of another origin, apart from the `pageOrigins`.
 * The browser sends the user's cookies with them, so a cookie alone would be
 * enough. Sibling subdomains (`same-site`) are other origins too, since SameSite
 * cookies are sent from them. Clients that are no browsers send neither
 * `Sec-Fetch-Site` nor `Origin`, and no cookies by themselves.
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
    if (this.isOwnPage(request)) return true;
    throw new ForbiddenException(
      'Only pages of the same origin, and of the pageOrigins, may call this route. ' +
        'If this page is of the same origin, a proxy hides the host of the app: set trust proxy, or grant.url.',
    );
  }

  private isOwnPage(request: PlatformRequest): boolean {
    const { 'sec-fetch-site': site, origin } = request.headers;
    if (origin === 'null') return false;
    if (origin !== undefined && this.options.pageOrigins.includes(origin)) {
      return true;
    }
    if (site !== undefined) return site === 'same-origin' || site === 'none';
    return origin === undefined || this.isSameHost(origin, request);
  }

  /** Compares hosts, not schemes: behind a proxy that ends TLS the app may not know its own. */
  private isSameHost(origin: string, request: PlatformRequest): boolean {
    if (!URL.canParse(origin)) return false;
    const { protocol, host } = new URL(origin);
    if (!/^https?:$/.test(protocol)) return false;
    const { url } = this.options.grant ?? {};
    const own = [`${protocol}//${hostOf(request)}`, url];
    return own.some(
      (each) =>
        each !== undefined &&
        URL.canParse(each) &&
        new URL(each).host === host &&
        host !== '',
    );
  }
}
