import {
  HttpCode,
  HttpStatus,
  Inject,
  Options,
  Req,
  Res,
} from '@nestjs/common';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { RequestRunner, ROUTE_CONTEXT } from '../core/request-runner.js';
import { getRequestGrant } from '../grant/grant.guard.js';
import { GrantVerifier } from '../grant/grant-verifier.js';
import { AuthKitIdentity } from '../identity/authkit-identity.js';
import { CurrentIdentity } from '../identity/current-identity.decorator.js';
import { getRequestStart } from '../identity/get-request.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { serializeToken } from '../token/merge-pages.js';
import { AuthKitTokenService } from '../token/token.service.js';
import { HideRoute } from './openapi.js';
import {
  abortOnClose,
  sendJson,
  type PlatformResponse,
} from './platform-response.js';

/**
 * The token route. Its path, guards and method (a POST) are set in the classes
 * that `createControllers` derives from it, one for each registration.
 *
 * @internal
 */
export abstract class AuthKitTokenController {
  constructor(
    @Inject(AuthKitTokenService) private readonly tokens: AuthKitTokenService,
    @Inject(GrantVerifier) private readonly grants: GrantVerifier,
    @Inject(RequestRunner) private readonly runner: RequestRunner,
    @Inject(AUTHKIT_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * Sends the response itself (`@Res()`): an interceptor of the app that wraps
   * return values would send the widget something else. The query is read from
   * the request, since the app's pipes apply to a `@Query()`. The body is not read.
   */
  async token(
    @CurrentIdentity() identity: AuthKitIdentity,
    @Req() request: { query?: unknown },
    @Res() response: PlatformResponse,
  ): Promise<void> {
    const { paging, timeout } = this.options;
    const grant = this.options.grant && getRequestGrant(request);
    const startedAt = getRequestStart(request);
    const token = await abortOnClose(response, (signal) => {
      const create = () =>
        this.tokens.create(identity, {
          ...(paging === 'forward' && parseQuery(request.query)),
          signal,
          [ROUTE_CONTEXT]: { startedAt, request, label: grant?.label },
        });
      if (!grant) return create();
      return this.grants.redeem(grant, signal, startedAt, create);
    });
    sendJson(response, serializeToken(token), this.runner.memory, timeout);
  }
}

/** The token route of a registration whose module sends the CORS headers. @internal */
export abstract class AuthKitCorsTokenController extends AuthKitTokenController {
  /** Nest sends preflights through the middleware, which answers them, only if this exists. */
  @Options()
  @HideRoute()
  @HttpCode(HttpStatus.NO_CONTENT)
  preflight(): void {}
}

/** The page that the widget requests. Only digits count, since widgets are known to send `page=null`. */
function parseQuery(query: unknown): { page?: number; limit?: number } {
  const { page, limit } = (query ?? {}) as Record<string, unknown>;
  const parse = (value: unknown) =>
    typeof value === 'string' && /^\d{1,15}$/.test(value)
      ? Number(value)
      : undefined;
  return { page: parse(page), limit: parse(limit) };
}
