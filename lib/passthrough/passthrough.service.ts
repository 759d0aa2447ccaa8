import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Readable } from 'node:stream';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { AuthKitException, invalidArgument } from '../authkit.exception.js';
import type { AuthKitAction, AuthKitConnection } from '../authkit.types.js';
import {
  AuthKitConnectionsService,
  type ConnectionSelector,
} from '../connections/connections.service.js';
import { AccountCache } from '../core/account-cache.js';
import { callListener } from '../core/app-functions.js';
import type { AuthKitTraceContext } from '../core/diagnostics.js';
import { RequestRunner, type Session } from '../core/request-runner.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import { LIMITS } from '../options/limits.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { fetchPages } from '../pica/fetch-pages.js';
import { isRecord } from '../pica/json-checks.js';
import type { OpenResponse } from '../pica/pica.client.js';
import { PicaApi } from '../pica/pica-api.js';
import { fromResponse } from '../pica/upstream-error.js';
import {
  isForbiddenHeader,
  parseCall,
  type AuthKitCallInit,
  type CallRequest,
} from './call-request.js';
import {
  classify,
  CONNECTION_LOST,
  hasBody,
  OpenBodies,
  peek,
  responseHeaders,
  type PeekedBody,
} from './call-response.js';
import { findAction } from './find-action.js';

/** Which actions of a platform. */
export interface AuthKitActionFilter {
  /** Searches titles and descriptions, and returns the best matches first. */
  query?: string;
  /** The HTTP method. */
  method?: string;
  /** Tags that the action has, all of them. */
  tags?: readonly string[];
  /** What the functions `secretKey` and `scope` receive. Needed if one of the options is a function. */
  identity?: AuthKitIdentity;
  /** Cancels the request: it rejects with `cancelled`. */
  signal?: AbortSignal;
}

/** The maximum number of bodies that are read at the same time. */
const MAX_OPEN_BODIES = 256;

/** Responses that may be other ones if the call is made again. */
const RETRYABLE_STATUSES = [429, 502, 503, 504];

/** What an id of an action with `::` begins with. */
const ACTION_PREFIX = 'conn_mod_def::';

/**
 * Calls the APIs of platforms with the connections of an owner. The connection
 * is looked up, its owner compared, and its key never leaves this service.
 * There is no route for it: call it in controllers of your own.
 *
 * @example
 * ```ts
 * @Get('labels')
 * @UseGuards(SessionGuard, AuthKitIdentityGuard)
 * async labels(@CurrentIdentity() owner: AuthKitIdentity) {
 *   const response = await this.passthrough.fetch(owner, { platform: 'gmail' }, 'gmail/v1/users/me/labels');
 *   if (!response.ok) throw new BadGatewayException();
 *   return response.json();
 * }
 * ```
 *
 * @publicApi
 */
@Injectable()
export class AuthKitPassthroughService implements OnApplicationShutdown {
  private readonly actionLists: AccountCache<AuthKitAction[]>;
  private readonly bodies = new OpenBodies();

  constructor(
    @Inject(RequestRunner) private readonly runner: RequestRunner,
    @Inject(PicaApi) private readonly api: PicaApi,
    @Inject(AuthKitConnectionsService)
    private readonly connections: AuthKitConnectionsService,
    @Inject(AUTHKIT_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    const { ttl } = options.cache;
    this.actionLists = new AccountCache(ttl, ({ length }) => length);
  }

  /**
   * Calls the API of a platform with a connection of the owner. Resolves with a
   * standard `Response` for every status of the platform, as `fetch()` does. Its
   * body is a stream: read it, or cancel it. One that nobody reads ends after
   * `timeout` ms.
   *
   * GET and HEAD are retried, as the option `retries` says, if there is no
   * response, or one with the status 429, 502, 503 or 504. No redirect is followed.
   *
   * @param connection `{ id }`, or `{ platform, tags? }` for the one connection of a platform
   * @param path the path of the platform's own API, e.g. `gmail/v1/users/me/labels`
   * @throws {AuthKitException} `invalid_argument`; `not_found`, `not_connected` or
   *   `ambiguous` for the connection; `reconnect_required` if the user has to
   *   connect again; `secret_rejected`, `quota_exceeded`, `rate_limited` or
   *   `rejected` if Pica itself refuses the call; `timed_out` if there are no
   *   headers in time; `unavailable` if there is no response
   */
  async fetch(
    owner: AuthKitIdentity,
    connection: ConnectionSelector,
    path: string,
    init: AuthKitCallInit = {},
  ): Promise<Response> {
    let trace: AuthKitTraceContext | undefined;
    return this.runner.run(
      {
        outcome: 'passthrough.fetch() failed',
        traced: {
          channel: 'passthrough',
          operation: 'fetch',
          onStart: (context) => void (trace = context),
        },
        identity: owner ?? null,
        signal: init?.signal ?? undefined,
        timeout: init?.timeout,
      },
      async (session) => {
        const selector = parseSelector(connection);
        const request = parseCall(path, init);
        if (trace) trace.method = request.method;
        const found = await this.connections.resolveForCall(session, selector);
        const { platform } = found;
        const action = await this.resolveAction(
          session,
          platform,
          request,
          init,
        );
        if (trace) Object.assign(trace, { platform, action: action.systemId });
        const call = (each: AuthKitConnection) =>
          this.call(session, each, action, request, init);
        const response =
          (await call(found)) ??
          (await this.callAgain(session, selector, found, request, call));
        if (trace) trace.status = response.status;
        return response;
      },
    );
  }

  /**
   * Returns a function of `fetch`'s type for a platform's own SDK: it calls the
   * platform through Pica. Headers with credentials of the SDK are dropped.
   *
   * @param options `baseUrl`: the root of the platform's API, e.g. `https://slack.com/api/`.
   *   URLs below it are called, others refused.
   * @throws {AuthKitException} (of the returned function) as {@link fetch}; `invalid_argument` for another URL
   */
  fetchFor(
    owner: AuthKitIdentity,
    connection: ConnectionSelector,
    { baseUrl }: { baseUrl: string },
  ): typeof fetch {
    const base = new URL(baseUrl);
    if (!base.pathname.endsWith('/')) base.pathname += '/';
    return async (input, init) => {
      const isRequest = input instanceof Request;
      // Of a request and its settings, the settings take precedence.
      const given = isRequest ? new Request(input, init) : undefined;
      const url = new URL(isRequest ? input.url : String(input));
      const isBelow =
        url.origin === base.origin &&
        url.username + url.password === '' &&
        url.pathname.startsWith(base.pathname);
      if (!isBelow) {
        throw new AuthKitException('invalid_argument', {
          message: `fetchFor() calls URLs below ${base.href} alone.`,
        });
      }
      const headers = new Headers(given?.headers ?? init?.headers);
      for (const name of [...headers.keys()]) {
        if (isForbiddenHeader(name)) headers.delete(name);
      }
      const path = url.pathname.slice(base.pathname.length);
      return this.fetch(owner, connection, path, {
        method: given?.method ?? init?.method,
        query: url.searchParams,
        headers,
        body: given ? given.body : init?.body,
        signal: given?.signal ?? init?.signal,
      });
    };
  }

  /**
   * Lists the actions of a platform: the operations of its API. The list is
   * cached for each account, for `cache.ttl` ms; a search is not.
   *
   * @param platform e.g. `gmail`
   * @throws {AuthKitException} `invalid_argument`; otherwise as `AuthKitTokenService.create()`
   */
  async actions(
    platform: string,
    filter: AuthKitActionFilter = {},
  ): Promise<AuthKitAction[]> {
    const { query, method, tags = [], identity, signal } = filter ?? {};
    return this.runner.run(
      {
        outcome: 'passthrough.actions() failed',
        traced: {
          channel: 'passthrough',
          operation: 'actions',
          onStart: (context) => void (context.platform = platform),
        },
        identity,
        signal,
      },
      async (session) => {
        if (typeof platform !== 'string' || platform === '') {
          throw invalidArgument('platform', 'a string', platform);
        }
        if (identity === undefined && this.runner.hasManyAccounts) {
          throw new AuthKitException('invalid_argument', {
            message:
              'actions() needs an identity: secretKey or scope is a function of it.',
          });
        }
        const actions =
          query === undefined
            ? await this.listActions(session, platform)
            : await this.api.searchActions(session, platform, String(query));
        return actions
          .filter(
            (action) =>
              (method === undefined ||
                action.method.toUpperCase() === method.toUpperCase()) &&
              tags.every((tag) => action.tags.includes(tag)),
          )
          .map((action) => ({ ...action, tags: [...action.tags] }));
      },
    );
  }

  onApplicationShutdown(): void {
    this.bodies.closeAll();
  }

  private listActions(
    session: Session,
    platform: string,
  ): Promise<AuthKitAction[]> {
    const fetch = async (shared: Session) => {
      const pages = await fetchPages(
        (page) => this.api.actions(shared, platform, page),
        this.options[LIMITS],
      );
      return pages.flatMap(({ actions }) => actions);
    };
    return this.actionLists.get(session, fetch, platform);
  }

  /** @throws {AuthKitException} `invalid_argument` if no action, or more than one, fits the call */
  private async resolveAction(
    session: Session,
    platform: string,
    { method, path }: CallRequest,
    { action }: AuthKitCallInit,
  ): Promise<Pick<AuthKitAction, 'systemId' | 'tags'>> {
    if (isRecord(action)) {
      const { systemId, tags = [] } = action as AuthKitAction;
      if (typeof systemId === 'string' && systemId && Array.isArray(tags)) {
        return { systemId, tags };
      }
    } else if (typeof action === 'string' && action !== '') {
      const systemId =
        action.includes('::') && !action.startsWith(ACTION_PREFIX)
          ? ACTION_PREFIX + action
          : action;
      const actions = await this.listActions(session, platform);
      const isSame = (each: AuthKitAction) =>
        each.systemId === systemId || each.systemId === action;
      return actions.find(isSame) ?? { systemId, tags: [] };
    } else if (action === undefined) {
      const actions = await this.listActions(session, platform);
      return findAction(actions, method, path);
    }
    throw invalidArgument(
      'action',
      'the systemId of an action, or a row of actions()',
      action,
    );
  }

  /** Makes a call. Returns `undefined` if the connection is lost. */
  private async call(
    session: Session,
    connection: AuthKitConnection,
    { systemId, tags }: Pick<AuthKitAction, 'systemId' | 'tags'>,
    request: CallRequest,
    { timeout = this.options.timeout, signal, ...init }: AuthKitCallInit,
  ): Promise<Response | undefined> {
    if (this.bodies.size >= MAX_OPEN_BODIES) {
      throw new AuthKitException('rate_limited', {
        retryAfter: 1,
        cause: new Error(`${MAX_OPEN_BODIES} bodies are being read already`),
      });
    }
    const { key: connectionKey } = connection;
    const { method, path, query, headers } = request;
    const body = tags.includes('custom')
      ? customBody(request, connectionKey)
      : request.body?.data;
    const isStream = body instanceof Readable;
    const isSafe = method === 'GET' || method === 'HEAD';
    const wanted = init.retries ?? (isSafe ? this.options.retries : 0);
    const retries = isStream ? 0 : wanted;
    let last: OpenResponse<PeekedBody> | undefined;
    let outcome: ReturnType<typeof classify>;
    let opened: OpenResponse<PeekedBody>;
    try {
      opened = await this.api.passthrough(
        session,
        {
          method,
          path: `${path}${query}`,
          headers,
          body,
          connectionKey,
          actionId: systemId,
          retries,
        },
        async (response, facts) => {
          last?.abort();
          const { status, data } = response;
          // Until the body is read, a broken connection must not end the process.
          data.on('error', () => {});
          const peeked =
            status >= 400 && hasBody(method, status)
              ? await peek(data)
              : { beginning: [], rest: data.iterator() };
          outcome = classify(status, peeked, facts, response.headers);
          if (outcome instanceof AuthKitException) throw outcome;
          if (RETRYABLE_STATUSES.includes(status) && retries > 0) {
            last = { response, body: peeked, abort: () => data.destroy() };
            throw fromResponse(facts, response.headers);
          }
          return peeked;
        },
      );
    } catch (error) {
      // Of several attempts, the last one decides: with a response, or without.
      const { upstreamStatus } = error as AuthKitException;
      if (!last || outcome || upstreamStatus === undefined) {
        last?.abort();
        throw error;
      }
      opened = last;
    }
    if (outcome === CONNECTION_LOST) {
      opened.abort();
      return undefined;
    }
    if (opened.response.status < 400) this.connections.markFound(connection);
    return this.toResponse(opened, request, timeout, signal, [
      session.account.secretKey,
      connectionKey,
    ]);
  }

  private toResponse(
    { response, body, abort }: OpenResponse<PeekedBody>,
    { method }: CallRequest,
    timeout: number,
    signal: AbortSignal | null | undefined,
    secrets: readonly string[],
  ): Response {
    const { status, statusText } = response;
    const headers = responseHeaders(response, secrets);
    if (!hasBody(method, status)) {
      response.data.resume();
      return new Response(null, { status, statusText, headers });
    }
    const stream = this.bodies.create(body, abort, timeout, signal);
    return new Response(stream, { status, statusText, headers });
  }

  /**
   * Looks a connection up once more that a call has found lost, and calls again
   * if there is another one.
   *
   * @throws {AuthKitException} `reconnect_required`
   */
  private async callAgain(
    session: Session,
    selector: ConnectionSelector,
    lost: AuthKitConnection,
    { body }: CallRequest,
    call: (connection: AuthKitConnection) => Promise<Response | undefined>,
  ): Promise<Response> {
    this.connections.forgetResolved(session);
    let latest: AuthKitConnection | undefined;
    try {
      latest = await this.connections.resolveForCall(session, selector);
    } catch (error) {
      const { reason } = error as AuthKitException;
      if (
        !['reconnect_required', 'not_found', 'not_connected'].includes(reason)
      )
        throw error;
    }
    const isStream = body?.data instanceof Readable;
    if (latest && latest.key !== lost.key && !isStream) {
      const response = await call(latest);
      if (response) return response;
      lost = latest;
    }
    const { onConnectionLost } = this.options;
    if (this.connections.markLost(lost) && onConnectionLost) {
      await callListener('onConnectionLost', () =>
        onConnectionLost(lost, session.identity!),
      );
    }
    throw new AuthKitException('reconnect_required');
  }
}

/** @throws {AuthKitException} `invalid_argument` */
function parseSelector(connection: unknown): ConnectionSelector {
  if (isRecord(connection)) {
    const { id, platform, tags, ...others } = connection;
    const isAlone = Object.keys(others).length === 0;
    const isText = (value: unknown) =>
      typeof value === 'string' && value !== '';
    const names = Object.keys(connection);
    if (isAlone && names.length === 1 && isText(id))
      return { id: id as string };
    const hasTags = tags !== undefined || !names.includes('tags');
    if (isAlone && !names.includes('id') && isText(platform) && hasTags) {
      return connection as ConnectionSelector;
    }
  }
  throw new AuthKitException('invalid_argument', {
    message:
      'connection must be { id }, or { platform, tags? }: a string each, and no key.',
  });
}

/**
 * The body of a call by an action with the tag `custom`: the vendor's own
 * toolkit sends the connection key in it too.
 *
 * @throws {AuthKitException} `invalid_argument`
 */
function customBody(
  { json, body }: CallRequest,
  connectionKey: string,
): Buffer {
  const refuse = (message: string) =>
    new AuthKitException('invalid_argument', { message });
  if (json === undefined ? body !== undefined : !isRecord(json)) {
    throw refuse('An action with the tag custom takes json, an object.');
  }
  if (isRecord(json) && Object.hasOwn(json, 'connectionKey')) {
    throw refuse('json must not have a connectionKey: the module sets it.');
  }
  return Buffer.from(JSON.stringify({ ...(json as object), connectionKey }));
}
