import {
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Inject,
  Options,
  Patch,
  Post,
  Req,
  Res,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { pickDocumentedFields } from '../connections/connection.js';
import {
  AuthKitConnectionsService,
  type AuthKitConnectionPage,
} from '../connections/connections.service.js';
import { callListener } from '../core/app-functions.js';
import { ROUTE_CONTEXT } from '../core/request-runner.js';
import { AuthKitIdentity } from '../identity/authkit-identity.js';
import { CurrentIdentity } from '../identity/current-identity.decorator.js';
import { getRequestStart } from '../identity/get-request.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { CONNECTION_ROUTES, DescribeRoute, HideRoute } from './openapi.js';
import {
  ConfirmConnectionBody,
  ListConnectionsQuery,
  parseBody,
  parseQuery,
  UpdateConnectionBody,
} from './connections.dto.js';
import { abortOnClose, type PlatformResponse } from './platform-response.js';
import type { AuthKitConnection } from '../authkit.types.js';

/** The part of a platform's request that the routes read. */
interface ConnectionsRequest {
  readonly headers: { readonly 'content-type'?: string };
  readonly params: { readonly id: string };
  readonly query?: unknown;
  readonly body?: unknown;
}

/**
 * The routes for the user's own connections. Path and guards are set in the
 * classes that `createControllers` derives from it.
 *
 * Query and body are read from the request and validated here: the app's own
 * `ValidationPipe`, whatever its settings, does not apply to `@Req()`.
 *
 * @internal
 */
export abstract class AuthKitConnectionsController {
  constructor(
    @Inject(AuthKitConnectionsService)
    private readonly connections: AuthKitConnectionsService,
    @Inject(AUTHKIT_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  @Get()
  @DescribeRoute(CONNECTION_ROUTES.list)
  async list(
    @CurrentIdentity() owner: AuthKitIdentity,
    @Req() request: ConnectionsRequest,
    @Res({ passthrough: true }) response: PlatformResponse,
  ): Promise<AuthKitConnectionPage> {
    const query = parseQuery(ListConnectionsQuery, request.query);
    const page = await abortOnClose(response, (signal) =>
      this.connections.list(owner, {
        ...query,
        page: toNumber(query.page),
        limit: toNumber(query.limit),
        signal,
        ...contextOf(request),
      }),
    );
    return { ...page, rows: page.rows.map(pickDocumentedFields) };
  }

  @Get(':id')
  @DescribeRoute(CONNECTION_ROUTES.get)
  async get(
    @CurrentIdentity() owner: AuthKitIdentity,
    @Req() request: ConnectionsRequest,
    @Res({ passthrough: true }) response: PlatformResponse,
  ): Promise<AuthKitConnection> {
    const { id } = request.params;
    const connection = await abortOnClose(response, (signal) =>
      this.connections.get(owner, id, { signal, ...contextOf(request) }),
    );
    return pickDocumentedFields(connection);
  }

  @Patch(':id')
  @DescribeRoute(CONNECTION_ROUTES.update)
  async update(
    @CurrentIdentity() owner: AuthKitIdentity,
    @Req() request: ConnectionsRequest,
  ): Promise<AuthKitConnection> {
    const { name } = this.parseJson(UpdateConnectionBody, request);
    const { id } = request.params;
    const context = contextOf(request);
    return pickDocumentedFields(
      await this.connections.update(owner, id, { name }, context),
    );
  }

  /** Calls the option `onDisconnected` afterwards. What it throws is logged and changes nothing. */
  @Delete(':id')
  @DescribeRoute(CONNECTION_ROUTES.delete)
  @HttpCode(HttpStatus.NO_CONTENT)
  async delete(
    @CurrentIdentity() owner: AuthKitIdentity,
    @Req() request: ConnectionsRequest,
  ): Promise<void> {
    const { onDisconnected } = this.options;
    const { id } = request.params;
    const context = contextOf(request);
    const connection = await this.connections.deleteAndReturn(
      owner,
      id,
      context,
    );
    if (!onDisconnected) return;
    await callListener('onDisconnected', () =>
      onDisconnected(connection, owner),
    );
  }

  /** Confirms what `onSuccess` gave to the page. All calls to Pica share one deadline. */
  @Post()
  @DescribeRoute(CONNECTION_ROUTES.confirm)
  @HttpCode(HttpStatus.OK)
  async confirm(
    @CurrentIdentity() owner: AuthKitIdentity,
    @Req() request: ConnectionsRequest,
    @Res({ passthrough: true }) response: PlatformResponse,
  ): Promise<AuthKitConnection> {
    const { key, replaces } = this.parseJson(ConfirmConnectionBody, request);
    const { connection } = await abortOnClose(response, (signal) =>
      this.connections.confirm(owner, key, {
        ...(replaces !== undefined && { replaces }),
        request,
        signal,
        ...contextOf(request),
      }),
    );
    return pickDocumentedFields(connection);
  }

  /** Nest sends preflights through the middleware, which answers them, only where these exist. */
  @Options()
  @HideRoute()
  @HttpCode(HttpStatus.NO_CONTENT)
  preflight(): void {}

  @Options(':id')
  @HideRoute()
  @HttpCode(HttpStatus.NO_CONTENT)
  preflightOfOne(): void {}

  /** @throws {UnsupportedMediaTypeException} (415) for another content type: a form of another site can send those without a preflight */
  private parseJson<T extends object>(
    Body: new () => T,
    { headers, body }: ConnectionsRequest,
  ): T {
    if (!/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) {
      throw new UnsupportedMediaTypeException(
        'The body must be sent as application/json.',
      );
    }
    return parseBody(Body, body);
  }
}

/** The deadline of a request began in the identity guard. */
function contextOf(request: ConnectionsRequest) {
  return { [ROUTE_CONTEXT]: { startedAt: getRequestStart(request) } };
}

function toNumber(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}
