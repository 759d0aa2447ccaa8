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
import { AuthKitException } from '../authkit.exception.js';
import {
  pickDocumentedFields,
  type AuthKitConnection,
} from '../connections/connection.js';
import type { AuthKitConnectionPage } from '../connections/connection-reader.js';
import { AuthKitConnectionsService } from '../connections/connections.service.js';
import { AuthKitIdentity } from '../identity/authkit-identity.js';
import { CurrentIdentity } from '../identity/current-identity.decorator.js';
import { ModuleOptions } from '../options/module.options.js';
import { MAX_PAGE_SIZE } from '../pica/vendors.js';
import { abortOnClose, type PlatformResponse } from './abort-on-close.js';
import { CONNECTION_ROUTES, DescribeRoute, HideRoute } from './openapi.js';
import {
  ConfirmConnectionBody,
  ListConnectionsQuery,
  parseBody,
  parseQuery,
  UpdateConnectionBody,
} from './connections.dto.js';

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
    const page = await this.connections.list(owner, {
      ...query,
      page: toNumber(query.page),
      limit: toNumber(query.limit),
      signal: abortOnClose(response),
    });
    return { ...page, rows: page.rows.map(pickDocumentedFields) };
  }

  @Get(':id')
  @DescribeRoute(CONNECTION_ROUTES.get)
  async get(
    @CurrentIdentity() owner: AuthKitIdentity,
    @Req() { params }: ConnectionsRequest,
    @Res({ passthrough: true }) response: PlatformResponse,
  ): Promise<AuthKitConnection> {
    const signal = abortOnClose(response);
    const connection = await this.connections.get(owner, params.id, { signal });
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
    const connection = await this.connections.update(owner, id, { name });
    return pickDocumentedFields(connection);
  }

  @Delete(':id')
  @DescribeRoute(CONNECTION_ROUTES.delete)
  @HttpCode(HttpStatus.NO_CONTENT)
  async delete(
    @CurrentIdentity() owner: AuthKitIdentity,
    @Req() { params }: ConnectionsRequest,
  ): Promise<void> {
    await this.connections.delete(owner, params.id);
  }

  /**
   * Confirms what `onSuccess` gave to the page: looks the key up, replaces the
   * old connection if asked, and calls the option `onConnected`.
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
    const found = await this.connections.findByKey(owner, key, {
      waitFor: CONFIRM_WAIT,
      signal: abortOnClose(response),
    });
    if (!found) throw new AuthKitException('not_found');
    const replaced =
      replaces === undefined
        ? undefined
        : await this.findReplaced(owner, replaces);
    const connection = replaced
      ? await this.connections.replace(owner, replaced.id, key)
      : found;
    await this.notify(connection, owner, replaced);
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

  /** `undefined` where it is gone: the page confirms again after an error, and then it has been replaced already. */
  private async findReplaced(
    owner: AuthKitIdentity,
    id: string,
  ): Promise<AuthKitConnection | undefined> {
    try {
      return await this.connections.get(owner, id);
    } catch (error) {
      if ((error as AuthKitException).reason === 'not_found') return undefined;
      throw error;
    }
  }

  private async notify(
    connection: AuthKitConnection,
    owner: AuthKitIdentity,
    replaced: AuthKitConnection | undefined,
  ): Promise<void> {
    const { onConnected } = this.options;
    if (!onConnected) return;
    const known = [connection.id, replaced?.id];
    const same = await this.listPlatform(owner, connection.platform);
    const others = same.filter(({ id }) => !known.includes(id));
    await onConnected(connection, owner, { replaced, others });
  }

  /** Not by `all()`, which waits for a rate limit as long as it takes: a page is waiting. */
  private async listPlatform(
    owner: AuthKitIdentity,
    platform: string,
  ): Promise<AuthKitConnection[]> {
    const found: AuthKitConnection[] = [];
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const filter = { platform, page, limit: MAX_PAGE_SIZE };
      const list = await this.connections.list(owner, filter);
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

function toNumber(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}
