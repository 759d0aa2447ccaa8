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
import type { AuthKitException } from '../authkit.exception.js';
import { pickDocumentedFields } from '../connections/connection.js';
import type { AuthKitConnectionPage } from '../connections/connection-reader.js';
import { AuthKitConnectionsService } from '../connections/connections.service.js';
import { REQUEST_TIMING, type RequestTiming } from '../core/request-timing.js';
import { AuthKitIdentity } from '../identity/authkit-identity.js';
import { CurrentIdentity } from '../identity/current-identity.decorator.js';
import { getRequestStart } from '../identity/request-identity.js';
import { ModuleOptions } from '../options/module.options.js';
import { MAX_PAGE_SIZE } from '../vendors/index.js';
import { abortOnClose, type PlatformResponse } from './abort-on-close.js';
import { CONNECTION_ROUTES, DescribeRoute, HideRoute } from './openapi.js';
import {
  ConfirmConnectionBody,
  ListConnectionsQuery,
  parseBody,
  parseQuery,
  UpdateConnectionBody,
} from './connections.dto.js';
import type { AuthKitConnection } from '../authkit.types.js';

/** How long a confirmation waits for a connection that is not visible yet, in ms. */
const CONFIRM_WAIT = 2_000;

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
    @Inject(AUTHKIT_OPTIONS) private readonly options: ModuleOptions,
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
        [REQUEST_TIMING]: timingOf(request),
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
    const connection = await abortOnClose(response, (signal) =>
      this.connections.get(owner, request.params.id, {
        signal,
        [REQUEST_TIMING]: timingOf(request),
      }),
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
    const connection = await this.connections.update(
      owner,
      id,
      { name },
      { [REQUEST_TIMING]: timingOf(request) },
    );
    return pickDocumentedFields(connection);
  }

  @Delete(':id')
  @DescribeRoute(CONNECTION_ROUTES.delete)
  @HttpCode(HttpStatus.NO_CONTENT)
  async delete(
    @CurrentIdentity() owner: AuthKitIdentity,
    @Req() request: ConnectionsRequest,
  ): Promise<void> {
    await this.connections.delete(owner, request.params.id, {
      [REQUEST_TIMING]: timingOf(request),
    });
  }

  /**
   * Confirms what `onSuccess` gave to the page: looks the key up, copies the
   * label of the connection that it replaces, calls the option `onConnected`,
   * and deletes the replaced one last. All calls to Pica share one deadline.
   */
  @Post()
  @DescribeRoute(CONNECTION_ROUTES.confirm)
  @HttpCode(HttpStatus.OK)
  async confirm(
    @CurrentIdentity() owner: AuthKitIdentity,
    @Req() request: ConnectionsRequest,
    @Res({ passthrough: true }) response: PlatformResponse,
  ): Promise<AuthKitConnection> {
    const { key, replaces } = this.parseJson(ConfirmConnectionBody, request);
    const startedAt = getRequestStart(request) ?? performance.now();
    const timing = { startedAt, extraTime: CONFIRM_WAIT };
    const { connection, replaced } = await abortOnClose(response, (signal) =>
      this.connections.findConfirmed(owner, key, replaces, {
        waitFor: CONFIRM_WAIT,
        signal,
        [REQUEST_TIMING]: timing,
      }),
    );
    const listenerTime = await this.notify(connection, owner, replaced, timing);
    if (replaced) {
      await this.deleteReplaced(owner, replaced, {
        ...timing,
        extraTime: timing.extraTime + listenerTime,
      });
    }
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

  /** Calls the option `onConnected`. Returns how long it took, in ms: its time is the app's. */
  private async notify(
    connection: AuthKitConnection,
    owner: AuthKitIdentity,
    replaced: AuthKitConnection | undefined,
    timing: RequestTiming,
  ): Promise<number> {
    const { onConnected } = this.options;
    if (!onConnected) return 0;
    const known = [connection.id, replaced?.id];
    const same = await this.listPlatform(owner, connection.platform, timing);
    const others = same.filter(({ id }) => !known.includes(id));
    const startedAt = performance.now();
    await onConnected(connection, owner, { replaced, others });
    return performance.now() - startedAt;
  }

  /** After `onConnected`: when that has thrown, the page confirms again, and the next call needs the old connection too. */
  private async deleteReplaced(
    owner: AuthKitIdentity,
    { id }: AuthKitConnection,
    timing: RequestTiming,
  ): Promise<void> {
    try {
      await this.connections.delete(owner, id, { [REQUEST_TIMING]: timing });
    } catch (error) {
      // Another confirmation of the same connection was quicker.
      if ((error as AuthKitException).reason !== 'not_found') throw error;
    }
  }

  /** Not by `all()`, which waits for a rate limit as long as it takes: a page is waiting. */
  private async listPlatform(
    owner: AuthKitIdentity,
    platform: string,
    timing: RequestTiming,
  ): Promise<AuthKitConnection[]> {
    const found: AuthKitConnection[] = [];
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const list = await this.connections.list(owner, {
        platform,
        page,
        limit: MAX_PAGE_SIZE,
        [REQUEST_TIMING]: timing,
      });
      found.push(...list.rows);
      ({ pages } = list);
    }
    return found;
  }

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
function timingOf(request: ConnectionsRequest): RequestTiming {
  return { startedAt: getRequestStart(request) };
}

function toNumber(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}
