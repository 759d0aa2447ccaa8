import {
  HttpCode,
  HttpStatus,
  Inject,
  Options,
  Req,
  Res,
} from '@nestjs/common';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { REQUEST_TIMING } from '../core/request-timing.js';
import { GrantVerifier } from '../grant/grant-verifier.js';
import { getRequestGrant } from '../grant/request-grant.js';
import { AuthKitIdentity } from '../identity/authkit-identity.js';
import { CurrentIdentity } from '../identity/current-identity.decorator.js';
import { ModuleOptions } from '../options/module.options.js';
import { getRequestStart } from '../identity/request-identity.js';
import { totalLength } from '../token/merge-pages.js';
import { AuthKitTokenService } from '../token/token.service.js';
import { abortOnClose, type PlatformResponse } from './abort-on-close.js';
import { HideRoute } from './openapi.js';

/** The part of a platform's request that the route reads. */
interface WidgetRequest {
  query?: unknown;
}

const JSON_TYPE = 'application/json; charset=utf-8';

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
    @Inject(AUTHKIT_OPTIONS) private readonly options: ModuleOptions,
  ) {}

  /**
   * Sends the response itself (`@Res()`): an interceptor of the app that wraps
   * return values would send the widget something else. The query is read from
   * the request, since the app's pipes apply to a `@Query()`. The body is not read.
   */
  async token(
    @CurrentIdentity() identity: AuthKitIdentity,
    @Req() request: WidgetRequest,
    @Res() response: PlatformResponse,
  ): Promise<void> {
    const page = this.options.paging === 'forward' ? parseQuery(request) : {};
    const chunks = await abortOnClose(response, (signal) =>
      this.grants.redeem(getRequestGrant(request), signal, () =>
        this.createChunks(identity, {
          ...page,
          signal,
          [REQUEST_TIMING]: { startedAt: getRequestStart(request) },
        }),
      ),
    );
    sendJson(response, chunks);
  }

  /** Where the app, or a test of it, overrides `create()` or `createJson()`, that takes precedence. */
  private async createChunks(
    ...args: Parameters<AuthKitTokenService['create']>
  ): Promise<readonly Buffer[]> {
    const { tokens } = this;
    const { create, createJson } = AuthKitTokenService.prototype;
    if (tokens.create !== create) {
      return [Buffer.from(JSON.stringify(await tokens.create(...args)))];
    }
    return tokens.createJson === createJson
      ? tokens.createChunks(...args)
      : [await tokens.createJson(...args)];
  }
}

/** The token route of a registration whose module sends the CORS headers. @internal */
export abstract class AuthKitCorsTokenController extends AuthKitTokenController {
  /** Nest sends preflights through the middleware, which answers them, only where this exists. */
  @Options()
  @HideRoute()
  @HttpCode(HttpStatus.NO_CONTENT)
  preflight(): void {}
}

/** The page that the widget requests. Only digits count, since widgets are known to send `page=null`. */
function parseQuery({ query }: WidgetRequest): {
  page?: number;
  limit?: number;
} {
  const { page, limit } = (query ?? {}) as Record<string, unknown>;
  return { page: parseDigits(page), limit: parseDigits(limit) };
}

function parseDigits(value: unknown): number | undefined {
  return typeof value === 'string' && /^\d{1,15}$/.test(value)
    ? Number(value)
    : undefined;
}

/**
 * Sends JSON as it is. On Express not with `response.send()`, which hashes the
 * whole body for an ETag that nobody may use: the response is `no-store`.
 * API Gateway accepts headers that are strings alone.
 */
function sendJson(response: PlatformResponse, chunks: readonly Buffer[]): void {
  if ('raw' in response) {
    response.code(200).type(JSON_TYPE).send(Buffer.concat(chunks));
    return;
  }
  response.statusCode = 200;
  response.setHeader('Content-Type', JSON_TYPE);
  response.setHeader('Content-Length', String(totalLength(chunks)));
  // Node sends what is written in one turn of the event loop in one piece.
  for (const chunk of chunks) response.write(chunk);
  response.end();
}
