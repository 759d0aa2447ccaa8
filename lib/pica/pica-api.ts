import type { Readable } from 'node:stream';
import {
  Inject,
  Injectable,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import type { AuthKitException } from '../authkit.exception.js';
import type { AuthKitAction, AuthKitIdentityType } from '../authkit.types.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { MAX_PAGE_SIZE, VENDORS, type Vendor } from '../vendors/index.js';
import type { CountedPage } from './fetch-pages.js';
import type { HttpResponse } from './http-client.js';
import {
  InvalidResponseError,
  isCount,
  isCountOrAbsent,
  isRecord,
  isSafeJson,
  parseRecord,
} from './json-checks.js';
import { KnownRows, parsePage, type TokenPage } from './parse-page.js';
import {
  factsOf,
  PicaClient,
  type CallContext,
  type OpenResponse,
} from './pica.client.js';
import type { ResponseFacts } from './upstream-error.js';

/** The body of a request for a page of integrations. JSON leaves out what is `undefined`. */
export interface TokenPageBody {
  readonly identity?: string;
  readonly identityType?: AuthKitIdentityType;
  readonly name?: string;
  readonly tags?: readonly string[];
}

/** What the list of connectors says of an integration. */
export interface Connector {
  /** The `connectionDefId` of the integration. Inferred: no document says so. */
  readonly id: string;
  /** The platform of its connections, e.g. `gmail`. */
  readonly platform: string;
  /** What `selectedConnection` of the widget packages expects. */
  readonly name: string;
  readonly category?: string;
}

/** A page of connectors. */
export interface ConnectorPage extends CountedPage {
  readonly connectors: readonly Connector[];
}

/** A row of a connection with unknown fields, whoever owns it. */
export type ConnectionRow = Record<string, unknown>;

/** A page of connections, whoever owns them. */
export interface ConnectionRows extends CountedPage {
  readonly rows: readonly ConnectionRow[];
}

/** A page of actions. */
export interface ActionPage extends CountedPage {
  readonly actions: readonly AuthKitAction[];
}

/** A call to the API of a platform. */
export interface PassthroughCall {
  readonly method: string;
  /** Below the API of the platform, with the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | Readable | undefined;
  readonly connectionKey: string;
  readonly actionId: string;
  readonly retries: number;
}

/** The maximum number of rows on a page. The service sends 150 at most. */
const MAX_ROWS = 1_000;

/**
 * The vendor's API, as its documents describe it: One's OpenAPI document 5.35.0,
 * and Pica's documentation of February 2026. It checks no owner. Each method
 * throws an `AuthKitException` only.
 *
 * @internal
 */
@Injectable()
export class PicaApi implements OnModuleInit, OnApplicationShutdown {
  private readonly client: PicaClient;
  private readonly vendor: Vendor;
  private readonly knownRows = new KnownRows();

  constructor(
    @Inject(AUTHKIT_OPTIONS) options: ResolvedOptions,
    @Inject(LazyModuleLoader) loader: LazyModuleLoader,
  ) {
    this.client = new PicaClient(options, loader);
    this.vendor = VENDORS[options.vendor];
  }

  /** @throws {Error} if a package that makes the calls is missing */
  async onModuleInit(): Promise<void> {
    await this.client.http.load();
  }

  onApplicationShutdown(): void {
    this.client.http.close();
  }

  /** `POST /v1/authkit?limit&page`, for One `POST /v1/authkit/token`: a page of the integrations that an identity may connect. */
  tokenPage(
    context: CallContext,
    { page, limit }: { page: number; limit: number },
    body: TokenPageBody,
    isSpeculative = false,
  ): Promise<TokenPage> {
    return this.client.request(
      {
        method: 'POST',
        path: `${this.vendor.tokenPath}?limit=${limit}&page=${page}`,
        body,
        isSpeculative,
        parse: (text) => parsePage(text, this.knownRows),
      },
      context,
    );
  }

  /** `GET /v1/users/flags` (Pica): whether the account may hide Pica's branding in the widget. */
  flags(context: CallContext): Promise<boolean> {
    const path = this.vendor.flagsPath!;
    return this.client.request(
      { method: 'GET', path, parse: parseFlags },
      context,
    );
  }

  /** `GET /v1/available-connectors?authkit=true`: a page of connectors. */
  connectors(context: CallContext, page: number): Promise<ConnectorPage> {
    const path = `${this.vendor.connectorsPath}?authkit=true&limit=${MAX_PAGE_SIZE}&page=${page}`;
    return this.client.request(
      { method: 'GET', path, parse: parseConnectors },
      context,
    );
  }

  /** One cheap call without a retry, which shows whether the service accepts the secret key. */
  async ping(context: CallContext): Promise<void> {
    const path = this.vendor.pingPath;
    await this.client.request(
      {
        method: 'GET',
        path,
        retries: 0,
        parse: parseRecord,
      },
      context,
    );
  }

  /** `GET /v1/users/whoami` (One): the user, organization and project of the secret key. */
  whoami(context: CallContext): Promise<Record<string, unknown>> {
    const path = this.vendor.whoamiPath!;
    return this.client.request(
      { method: 'GET', path, parse: parseRecord },
      context,
    );
  }

  /** `GET /v1/vault/connections`: a page of connections. `page` and `limit` are always sent: One's document requires them. */
  listConnections(
    context: CallContext,
    filter: Readonly<Record<string, string>>,
    page: number,
  ): Promise<ConnectionRows> {
    const { connectionsPath: route } = this.vendor;
    const query = Object.entries({ ...filter, page, limit: MAX_PAGE_SIZE })
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join('&');
    return this.client.request(
      {
        method: 'GET',
        path: `${route}?${query}`,
        route,
        parse: parseConnectionRows,
      },
      context,
    );
  }

  /** `GET /v1/vault/connections/{id}`. `undefined` if there is no such connection. */
  async getConnection(
    context: CallContext,
    id: string,
  ): Promise<ConnectionRow | undefined> {
    try {
      return await unlessGone(
        this.client.request(
          {
            ...this.connection('GET', id),
            parse: parseConnectionRow,
          },
          context,
        ),
      );
    } catch (error) {
      const { upstreamStatus: status } = error as AuthKitException;
      // The service refuses an id of another form than its own.
      if ((status === 400 || status === 422) && !UUID.test(id))
        return undefined;
      throw error;
    }
  }

  /**
   * `PATCH /v1/vault/connections/{id}`: a missing field stays as it is, `tags` replaces the set.
   *
   * @returns the row as it is afterwards; `'empty'` without a body, which one vendor documents; `undefined` if there is no such connection
   */
  updateConnection(
    context: CallContext,
    id: string,
    body: { name?: string; tags?: readonly string[] },
  ): Promise<ConnectionRow | 'empty' | undefined> {
    return unlessGone(
      this.client.request<ConnectionRow | 'empty'>(
        {
          ...this.connection('PATCH', id),
          body,
          parse: parseConnectionRow,
          ifEmpty: 'empty',
        },
        context,
      ),
    );
  }

  /** `DELETE /v1/vault/connections/{id}`: removes a connection and its credentials. `undefined` if there is no such connection. */
  deleteConnection(
    context: CallContext,
    id: string,
  ): Promise<true | undefined> {
    return unlessGone(
      this.client.request(
        {
          ...this.connection('DELETE', id),
          parse: () => true as const,
          ignoresBody: true,
        },
        context,
      ),
    );
  }

  /** `GET /v1/available-actions/{platform}`: a page of the actions of a platform. */
  actions(
    context: CallContext,
    platform: string,
    page: number,
  ): Promise<ActionPage> {
    const { actionsPath } = this.vendor;
    const name = encodeURIComponent(platform);
    return this.client.request(
      {
        method: 'GET',
        path: `${actionsPath}/${name}?page=${page}&limit=${MAX_PAGE_SIZE}`,
        parse: (body) => {
          const { rows, ...counts } = parseRows(body, 'actions');
          return { ...counts, actions: rows.map(toAction) };
        },
      },
      context,
    );
  }

  /** `GET /v1/available-actions/search/{platform}?query`: the actions of a platform that match a text, the best first. */
  searchActions(
    context: CallContext,
    platform: string,
    query: string,
  ): Promise<AuthKitAction[]> {
    const { actionsPath } = this.vendor;
    const name = encodeURIComponent(platform);
    const text = encodeURIComponent(query);
    return this.client.request(
      {
        method: 'GET',
        path: `${actionsPath}/search/${name}?query=${text}&limit=${MAX_PAGE_SIZE}`,
        parse: parseActions,
      },
      context,
    );
  }

  /**
   * `ANY /v1/passthrough/{path}`: calls the API of a platform with a connection.
   * Method, path, query and body are the platform's, and so is the response.
   *
   * @param read reads the response as far as is needed; throws to have it retried
   */
  passthrough<B>(
    context: CallContext,
    { connectionKey, actionId, retries, ...call }: PassthroughCall,
    read: (response: HttpResponse, facts: ResponseFacts) => Promise<B>,
  ): Promise<OpenResponse<B>> {
    const { passthroughPath: route, ...vendor } = this.vendor;
    const operation = `${call.method} ${route}`;
    return this.client.retry({ operation, retries }, context, (record) =>
      this.client.send(
        {
          method: call.method,
          url: `${route}/${call.path}`,
          // The vendor's come last: nothing of the caller's takes their place.
          headers: {
            // axios would send the type of a form.
            'content-type': false,
            ...call.headers,
            [vendor.secretHeader]: context.account.secretKey,
            ...context.account.scopeHeaders,
            [vendor.connectionKeyHeader]: connectionKey,
            [vendor.actionIdHeader]: actionId,
          },
          body: call.body,
          // A write is sent as often as `retries` says, and no more.
          replacesStale: retries > 0 && /^(?:GET|HEAD)$/.test(call.method),
        },
        context,
        (response) => {
          const facts = factsOf(response, context);
          record.status = response.status;
          record.correlationId = facts.correlationId;
          return read(response, facts);
        },
        { route },
      ),
    );
  }

  private connection<M extends 'GET' | 'PATCH' | 'DELETE'>(
    method: M,
    id: string,
  ) {
    const { connectionsPath } = this.vendor;
    const path = `${connectionsPath}/${encodeURIComponent(id)}`;
    return { method, path, route: `${connectionsPath}/:id` };
  }
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Returns `undefined` if a call by id fails because there is no such connection. */
async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    const { upstreamStatus } = error as AuthKitException;
    if (upstreamStatus === 404 || upstreamStatus === 410) return undefined;
    throw error;
  }
}

/** `{ accessList?, authkitWhitelist?, earlyAccess?, completedQuickstart? }` */
function parseFlags(body: Buffer): boolean {
  const { authkitWhitelist } = parseRecord(body);
  const flag = authkitWhitelist ?? false;
  if (typeof flag === 'boolean') return flag;
  throw new InvalidResponseError('not the flags of an account');
}

/** The rows and the counts of a page: `{ rows, total, pages, page }`. */
function parseRows(body: Buffer, what: string): ConnectionRows {
  const { rows, total, pages } = parseRecord(body);
  if (
    !Array.isArray(rows) ||
    rows.length > MAX_ROWS ||
    !rows.every(isRecord) ||
    !isCountOrAbsent(total) ||
    !isCount(pages)
  ) {
    throw new InvalidResponseError(`not a page of ${what}`);
  }
  return { rows, pages, total: total as number | null | undefined };
}

const parseConnectionRows = (body: Buffer) => parseRows(body, 'connections');
const parseConnectionRow = parseRecord;

function parseConnectors(body: Buffer): ConnectorPage {
  const { rows, ...counts } = parseRows(body, 'connectors');
  const connectors = rows.map(({ id, platform, name, category }) => {
    const isId = typeof id === 'string' || typeof id === 'number';
    if (!isId || typeof platform !== 'string' || typeof name !== 'string') {
      throw new InvalidResponseError('not a connector');
    }
    return {
      id: String(id),
      platform,
      name,
      ...(typeof category === 'string' && { category }),
    };
  });
  return { ...counts, connectors };
}

/** `{ systemId, title, key, modelName, method, path, tags }` */
function toAction(row: Record<string, unknown>): AuthKitAction {
  const { systemId, title = '', method, path, tags = [], key } = row;
  const isValid =
    [systemId, title, method, path].every((each) => typeof each === 'string') &&
    Array.isArray(tags);
  if (!isValid) throw new InvalidResponseError('not an action');
  const action = { systemId, title, method, path, tags } as AuthKitAction;
  return typeof key === 'string' ? { ...action, key } : action;
}

function parseActions(body: Buffer): AuthKitAction[] {
  const rows: unknown = JSON.parse(body.toString());
  if (!Array.isArray(rows) || !rows.every(isRecord) || !isSafeJson(rows)) {
    throw new InvalidResponseError('not a list of actions');
  }
  return rows.map(toAction);
}
