import {
  BadRequestException,
  HttpCode,
  HttpStatus,
  Inject,
  Options,
  Post,
  Req,
  Res,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { createWarnOnce, sanitizeForLog } from '../warn-once.js';
import { AuthKitGrantService } from '../grant/grant.service.js';
import { AuthKitIdentity } from '../identity/authkit-identity.js';
import { CurrentIdentity } from '../identity/current-identity.decorator.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { trimTrailingSlashes } from '../options/trim-slashes.js';
import { hostOf, type PlatformRequest } from './is-same-origin.js';
import { DescribeRoute, GRANT_ROUTE, HideRoute } from './openapi.js';
import type { PlatformResponse } from './platform-response.js';

/**
 * The grant route, for the app's own pages. `createControllers` derives the
 * classes that have its path and guards.
 *
 * @internal
 */
export abstract class AuthKitGrantController {
  private readonly warnOnce = createWarnOnce();

  constructor(
    @Inject(AuthKitGrantService) private readonly grants: AuthKitGrantService,
    @Inject(AUTHKIT_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Sends the response itself, so that no interceptor wraps what the page passes to the widget. */
  @Post()
  @DescribeRoute(GRANT_ROUTE)
  @HttpCode(HttpStatus.OK)
  async grant(
    @CurrentIdentity() identity: AuthKitIdentity,
    @Req() request: PlatformRequest,
    @Res() response: PlatformResponse,
  ): Promise<void> {
    const url = this.options.grant?.url ?? this.deriveUrl(request);
    const token = await this.grants.widgetToken(identity, url, { request });
    this.adapterHost.httpAdapter.reply(response, token, HttpStatus.OK);
  }

  /** Warns of a proxy that the app ignores: the widget may not reach the URL, which only the browser would tell. */
  private deriveUrl(request: PlatformRequest): string {
    const url = tokenUrl(request);
    const unused = unusedForwarding(request, url);
    if (unused.length > 0) {
      this.warnOnce(
        url,
        `The url of a grant is ${sanitizeForLog(url)}: the app does not use what a proxy sent in ${unused.join(', ')}. ` +
          'If the widget cannot reach that url, set trust proxy (Express), trustProxy (Fastify), or grant.url. (Logged once for each url.)',
      );
    }
    return url;
  }

  /** Nest sends preflights through the middleware, which answers them, only if this exists. */
  @Options()
  @HideRoute()
  @HttpCode(HttpStatus.NO_CONTENT)
  preflight(): void {}
}

/**
 * The URL of the token endpoint: that of a grant request without `/grant`.
 *
 * @throws {BadRequestException} if the request has no host
 */
export function tokenUrl(request: PlatformRequest): string {
  const { protocol, url: requested, originalUrl = requested } = request;
  // A proxy may send the whole URL.
  const path = originalUrl.split('?', 1)[0]!.replace(/^https?:\/\/[^/]*/i, '');
  const trimmed = trimTrailingSlashes(path);
  const tokenPath = /\/grant$/i.test(trimmed.slice(-'/grant'.length))
    ? trimTrailingSlashes(trimmed.slice(0, -'/grant'.length))
    : path;
  const url = `${protocol}://${hostOf(request) ?? ''}${tokenPath}`;
  if (/^https?:\/\/[^/]/.test(url) && URL.canParse(url)) return url;
  throw new BadRequestException(
    'The request does not contain the host of the app: set grant.url.',
  );
}

/** The names of the `X-Forwarded-*` headers of which a URL shows no value. Each proxy may have added one. */
function unusedForwarding({ headers }: PlatformRequest, url: string): string[] {
  return ['x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-prefix'].filter(
    (name) => {
      const values = [headers[name]].flat().join(',').toLowerCase().split(',');
      return !values.some((value) => url.toLowerCase().includes(value.trim()));
    },
  );
}
