import {
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
import { DescribeRoute, GRANT_ROUTE, HideRoute } from './openapi.js';
import type { PlatformResponse } from './platform-response.js';
import {
  ignoredForwarding,
  tokenUrl,
  type PlatformRequest,
} from './token-url.js';

/**
 * The grant route, for the app's own pages. Its path and guards are set in the
 * classes that `createControllers` derives from it.
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

  /** Sends the response itself, as the token route does: no interceptor wraps what the page passes to the widget. */
  @Post()
  @DescribeRoute(GRANT_ROUTE)
  @HttpCode(HttpStatus.OK)
  async grant(
    @CurrentIdentity() identity: AuthKitIdentity,
    @Req() request: PlatformRequest,
    @Res() response: PlatformResponse,
  ): Promise<void> {
    const url = this.options.grant?.url ?? this.deriveUrl(request);
    const token = await this.grants.widgetToken(identity, url, {
      request,
    });
    this.adapterHost.httpAdapter.reply(response, token, HttpStatus.OK);
  }

  /** A URL that the widget cannot reach is the usual fault behind a proxy, and fails in the browser alone. */
  private deriveUrl(request: PlatformRequest): string {
    const url = tokenUrl(request);
    const ignored = ignoredForwarding(request, url);
    if (ignored.length === 0) return url;
    this.warnOnce(
      url,
      [
        `The url of a grant is ${sanitizeForLog(url)}, from the Host header and the connection of the request.`,
        `A proxy sent ${ignored.join(' and ')}, which the app does not use.`,
        'If the widget cannot reach that url: set trust proxy (Express), trustProxy (Fastify), or grant.url.',
        '(Logged once for each url.)',
      ].join(' '),
    );
    return url;
  }

  /** Nest sends preflights through the middleware, which answers them, only where this exists. */
  @Options()
  @HideRoute()
  @HttpCode(HttpStatus.NO_CONTENT)
  preflight(): void {}
}
