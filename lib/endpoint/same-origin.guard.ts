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
 * Refuses requests from pages of another origin. The browser sends the user's
 * cookies with them, so a cookie alone would be enough for a grant. Sibling
 * subdomains (`same-site`) are other origins too, since SameSite cookies are
 * sent from them. Clients that are no browsers send neither header, and no cookies by themselves.
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
    if (this.isSameOrigin(request)) return true;
    throw new ForbiddenException(
      'Only pages of the same origin may request a grant. If this page is one, the app sits behind a proxy that hides its host: set trust proxy, or grant.url.',
    );
  }

  private isSameOrigin(request: PlatformRequest): boolean {
    const { 'sec-fetch-site': site, origin } = request.headers;
    if (site !== undefined) return site === 'same-origin' || site === 'none';
    if (origin === undefined) return true;
    // Hosts, not schemes: behind a proxy that ends TLS the app may not know its own.
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
