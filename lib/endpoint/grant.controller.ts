import { HttpCode, HttpStatus, Inject, Post, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { AuthKitGrantService } from '../grant/grant.service.js';
import { AuthKitIdentity } from '../identity/authkit-identity.js';
import { CurrentIdentity } from '../identity/current-identity.decorator.js';
import type { PlatformResponse } from './client-gone.js';
import type { EndpointOptions } from './endpoint.options.js';
import { tokenUrl, type PlatformRequest } from './token-url.js';

/**
 * Gives the app's own pages a grant for the token endpoint. Path and guards
 * are set in the classes that `createControllers` makes of it.
 *
 * @internal
 */
export abstract class AuthKitGrantController {
  constructor(
    @Inject(AuthKitGrantService) private readonly grants: AuthKitGrantService,
    @Inject(AUTHKIT_OPTIONS) private readonly options: EndpointOptions,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Answers by itself, as the token route does: nothing wraps what the page hands to the widget. */
  @Post()
  @HttpCode(HttpStatus.OK)
  async grant(
    @CurrentIdentity() who: AuthKitIdentity,
    @Req() request: PlatformRequest,
    @Res() response: PlatformResponse,
  ): Promise<void> {
    const url = this.options.grant?.url ?? tokenUrl(request);
    const token = await this.grants.widgetToken(who, url);
    this.adapterHost.httpAdapter.reply(response, token, HttpStatus.OK);
  }
}
