import {
  HttpCode,
  HttpStatus,
  Inject,
  Options,
  Req,
  Res,
} from '@nestjs/common';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { AuthKitIdentity } from '../identity/authkit-identity.js';
import { CurrentIdentity } from '../identity/current-identity.decorator.js';
import { AuthKitTokenService } from '../token/token.service.js';
import { clientGone, type PlatformResponse } from './client-gone.js';
import { sendToken } from './send-token.js';
import type { EndpointOptions } from './endpoint.options.js';

/** The part of a platform's request that the route reads. */
interface WidgetRequest {
  query?: unknown;
}

/**
 * The token endpoint. It has a path, guards and its route (a POST) only in the
 * classes that `createControllers` makes of it, one for each registration.
 *
 * @internal
 */
export abstract class AuthKitController {
  constructor(
    @Inject(AuthKitTokenService) private readonly tokens: AuthKitTokenService,
    @Inject(AUTHKIT_OPTIONS) private readonly options: EndpointOptions,
  ) {}

  /**
   * Answers by itself (`@Res()`) rather than by returning: an interceptor of
   * the app that wraps answers would hand the widget something else.
   * The query is read from the request, since a `@Query()` would be subject to
   * the app's pipes; the body is not read at all.
   */
  async token(
    @CurrentIdentity() who: AuthKitIdentity,
    @Req() request: WidgetRequest,
    @Res() response: PlatformResponse,
  ): Promise<void> {
    const page = this.options.paging === 'forward' ? pageOf(request) : {};
    const signal = clientGone(response);
    const json = await this.json(who, { ...page, signal });
    sendToken(response, json);
  }

  /** Where the app, or a test of it, has its own `create()`, that has the say. */
  private async json(
    ...args: Parameters<AuthKitTokenService['create']>
  ): Promise<Buffer> {
    const { create } = AuthKitTokenService.prototype;
    if (this.tokens.create === create) return this.tokens.createJson(...args);
    return Buffer.from(JSON.stringify(await this.tokens.create(...args)));
  }
}

/** The endpoint where the browser's CORS questions are ours to answer. @internal */
export abstract class AuthKitCorsController extends AuthKitController {
  /** Only there for Nest to send preflights through the CORS middleware, which answers them. */
  @Options()
  @HttpCode(HttpStatus.NO_CONTENT)
  preflight(): void {}
}

/** What the widget asks for in the query: digits only, since widgets are known to send `page=null`. */
function pageOf({ query }: WidgetRequest): { page?: number; limit?: number } {
  const { page, limit } = (query ?? {}) as Record<string, unknown>;
  return { page: numberOf(page), limit: numberOf(limit) };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'string' && /^\d{1,15}$/.test(value)
    ? Number(value)
    : undefined;
}
