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
import {
  RequestRunner,
  type AppRequest,
  type Session,
} from '../core/request-runner.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import { LIMITS } from '../options/limits.js';
import type { ConnectionLostListener } from '../options/module.options.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { fetchPages } from '../pica/fetch-pages.js';
import { isRecord } from '../pica/json-checks.js';
import type { OpenResponse } from '../pica/pica.client.js';
import { PicaApi } from '../pica/pica-api.js';
import { fromResponse } from '../pica/upstream-error.js';
import {
  isAmount,
  isForbiddenHeader,
  JSON_TYPE,
  parseCall,
  refused,
  toJson,
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

/** The maximum status of a `Response`. */
const MAX_STATUS = 599;

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
    let loss: Parameters<ConnectionLostListener> | undefined;
    const { signal, timeout } = init ?? {};
    const settings = {
      identity: owner ?? null,
      signal: signal ?? undefined,
      timeout: isAmount(timeout) ? timeout : undefined,
    };
    try {
      return await this.run('fetch', settings, async (session, trace) => {
        const selector = parseSelector(connection);
        const request = parseCall(path, init);
        trace.method = request.method;
        const { connections } = this;
        try {
          const found = await connections.resolveForCall(session, selector);
          const { platform } = found;
          trace.platform = platform;
          const action = await this.resolveAction(
            session,
            platform,
            request,
            init.action,
          );
          trace.action = action.systemId;
          const call = (each: AuthKitConnection) =>
            this.call(session, each, action, request, init);
          const onLost = (lost: AuthKitConnection) =>
            void (loss = [lost, session.identity!]);
          const response =
            (await call(found)) ??
            (await this.callAgain(session, selector, found, call, onLost));
          trace.status = response.status;
          return response;
        } catch (error) {
          abandon(request.body);
          throw error;
        }
      });
    } finally {
      // Its time does not count towards the timeout.
      await callListener(
        'onConnectionLost',
        () => loss && this.options.onConnectionLost?.(...loss),
      );
    }
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
    const base = parseUrl(baseUrl);
    if (!base) {
      throw invalidArgument('baseUrl', 'an absolute http(s) URL', baseUrl);
    }
    if (!base.pathname.endsWith('/')) base.pathname += '/';
    return async (input, init) => {
      // Of a request and its settings, the settings take precedence.
      const given =
        input instanceof Request ? new Request(input, init) : undefined;
      const url = parseUrl(given?.url ?? String(input));
      const isBelow =
        url?.origin === base.origin &&
        url.username + url.password === '' &&
        url.pathname.startsWith(base.pathname);
      if (!isBelow) {
        throw refused(
          `fetchFor() calls URLs below ${base.origin}${base.pathname} alone.`,
        );
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
    return this.run('actions', { identity, signal }, async (session, trace) => {
      // A dot segment would be another path of the service.
      if (typeof platform !== 'string' || !/^(?!\.*$)[\w.-]+$/.test(platform)) {
        throw invalidArgument('platform', 'the name of a platform', platform);
      }
      for (const [name, text] of Object.entries({ query, method })) {
        if (text === undefined || typeof text === 'string') continue;
        throw invalidArgument(name, 'a string', text);
      }
      if (!Array.isArray(tags)) throw invalidArgument('tags', 'a list', tags);
      if (identity === undefined && this.runner.hasManyAccounts) {
        throw refused(
          'actions() needs an identity: secretKey or scope is a function of it.',
        );
      }
      trace.platform = platform;
      const actions = query
        ? await this.api.searchActions(session, platform, query)
        : await this.listActions(session, platform);
      return actions
        .filter(
          (action) =>
            (method === undefined ||
              action.method.toUpperCase() === method.toUpperCase()) &&
            tags.every((tag) => action.tags.includes(tag)),
        )
        .map((action) => ({ ...action, tags: [...action.tags] }));
    });
  }

  onApplicationShutdown(): void {
    this.bodies.closeAll();
  }

  /** Runs a method. The task completes what is traced. */
  private run<T>(
    operation: string,
    request: Pick<AppRequest, 'identity' | 'signal' | 'timeout'>,
    task: (session: Session, trace: Partial<AuthKitTraceContext>) => Promise<T>,
  ): Promise<T> {
    let trace: Partial<AuthKitTraceContext> = {};
    const traced: AppRequest['traced'] = {
      channel: 'passthrough',
      operation,
      onStart: (context) => void (trace = context),
    };
    const outcome = `passthrough.${operation}() failed`;
    return this.runner.run({ ...request, outcome, traced }, (session) =>
      task(session, trace),
    );
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
    action: AuthKitCallInit['action'],
  ): Promise<CallAction> {
    if (action === undefined) {
      const actions = await this.listActions(session, platform);
      return findAction(actions, method, path);
    }
    const { systemId: given, tags = [] } =
      typeof action === 'string' ? { systemId: action } : (action ?? {});
    const isValid =
      typeof given === 'string' &&
      /^[!-~]{1,500}$/.test(given) &&
      Array.isArray(tags);
    if (!isValid) {
      throw invalidArgument(
        'action',
        'the systemId of an action, or a row of actions()',
        action,
      );
    }
    if (typeof action !== 'string') return { systemId: given, tags };
    const systemId =
      given.includes('::') && !given.startsWith(ACTION_PREFIX)
        ? ACTION_PREFIX + given
        : given;
    const actions = await this.listActions(session, platform);
    const isSame = (each: AuthKitAction) =>
      [systemId, given].includes(each.systemId);
    return actions.find(isSame) ?? { systemId, tags };
  }

  /** Makes a call. Returns `undefined` if the connection is lost. */
  private async call(
    session: Session,
    connection: AuthKitConnection,
    { systemId: actionId, tags }: CallAction,
    request: CallRequest,
    init: AuthKitCallInit,
  ): Promise<Response | undefined> {
    const { key: connectionKey } = connection;
    const { method, path, query } = request;
    const { headers, body } = tags.includes('custom')
      ? toCustomCall(request, connectionKey)
      : request;
    const isStream = body instanceof Readable;
    if (isStream && (body.destroyed || body.readableEnded)) {
      const cause = new Error('the body was sent already, or has failed');
      throw new AuthKitException('unavailable', { cause });
    }
    const isSafe = method === 'GET' || method === 'HEAD';
    const wanted = init.retries ?? (isSafe ? this.options.retries : 0);
    const retries = isStream ? 0 : wanted;
    this.assertRoom();
    let outcome: ReturnType<typeof classify>;
    let last: OpenResponse<PeekedBody> | undefined;
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
          actionId,
          retries,
        },
        async (response, facts) => {
          const { status, data } = response;
          const abort = () => void data.destroy();
          last?.abort();
          last = undefined;
          // Until the body is read, a broken connection must not end the process.
          data.on('error', () => {});
          try {
            if (isSafe) this.assertRoom();
            const peeked = await peek(response);
            outcome = classify(response, peeked, facts);
            if (outcome instanceof AuthKitException) throw outcome;
            if (status > MAX_STATUS) {
              const cause = new Error('a status that HTTP does not have');
              throw new AuthKitException('malformed', { ...facts, cause });
            }
            const isRetryable = RETRYABLE_STATUSES.includes(status) && !outcome;
            if (!isRetryable || retries === 0) return peeked;
            last = { response, body: peeked, abort };
          } catch (error) {
            abort();
            throw error;
          }
          throw fromResponse(facts, response.headers);
        },
      );
    } catch (error) {
      // Of several attempts, the last one decides: with a response, or without.
      const { upstreamStatus } = error as AuthKitException;
      if (!last || upstreamStatus === undefined) {
        last?.abort();
        throw error;
      }
      opened = last;
    }
    const abort = () => {
      opened.abort();
      abandon(body);
    };
    if (session.signal.aborted) {
      abort();
      throw session.signal.reason;
    }
    if (outcome === CONNECTION_LOST) {
      abort();
      return undefined;
    }
    if (opened.response.status < 400) this.connections.markFound(connection);
    const { timeout = this.options.timeout, signal } = init;
    const { response, body: peeked } = opened;
    const { status, statusText, data } = response;
    const secrets = [session.account.secretKey, connectionKey];
    let content: BodyInit | null = null;
    if (!hasBody(method, status)) {
      if (status === 205) abort();
      else data.resume();
    } else if (peeked.rest) {
      content = this.bodies.create(peeked, abort, timeout, signal);
    } else content = Buffer.concat(peeked.beginning);
    return new Response(content, {
      status,
      statusText: statusText.replaceAll(/[^\t -~\x80-\xff]/g, ''),
      headers: responseHeaders(response, secrets),
    });
  }

  /** @throws {AuthKitException} `rate_limited` if too many bodies are being read */
  private assertRoom(): void {
    if (this.bodies.size < MAX_OPEN_BODIES) return;
    throw new AuthKitException('rate_limited', {
      retryAfter: 1,
      cause: new Error(`${MAX_OPEN_BODIES} bodies are being read already`),
    });
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
    call: (connection: AuthKitConnection) => Promise<Response | undefined>,
    onLost: (connection: AuthKitConnection) => void,
  ): Promise<Response> {
    this.connections.forgetResolved(session);
    try {
      const latest = await this.connections.resolveForCall(session, selector);
      if (latest.key !== lost.key) {
        const response = await call(latest);
        if (response) return response;
        lost = latest;
      }
    } catch (error) {
      const { reason } = error as AuthKitException;
      if (reason !== 'reconnect_required') throw error;
    }
    if (this.connections.markLost(lost)) onLost(lost);
    throw new AuthKitException('reconnect_required');
  }
}

/** What a call needs of its action. */
type CallAction = Pick<AuthKitAction, 'systemId' | 'tags'>;

/** Ends the body of a request that is not sent any more. */
function abandon(body: CallRequest['body']): void {
  if (body instanceof Readable) body.destroy();
}

function parseUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}

/** @throws {AuthKitException} `invalid_argument` */
function parseSelector(connection: unknown): ConnectionSelector {
  const fields = isRecord(connection) ? connection : {};
  const names = Object.keys(fields).sort().join();
  const isText = ['id', 'platform'].every(
    (name) =>
      !(name in fields) || (typeof fields[name] === 'string' && fields[name]),
  );
  const isSelector =
    ['id', 'platform', 'platform,tags'].includes(names) &&
    isText &&
    (names !== 'platform,tags' || Array.isArray(fields.tags));
  if (isSelector) return { ...fields } as ConnectionSelector;
  throw refused(
    'connection must be { id }, or { platform, tags? }: a string each, and no key.',
  );
}

/**
 * A call by an action with the tag `custom`: the vendor's own toolkit sends the
 * connection key in its body too.
 *
 * @throws {AuthKitException} `invalid_argument`
 */
function toCustomCall(
  { method, headers, json, body }: CallRequest,
  connectionKey: string,
): Pick<CallRequest, 'headers' | 'body'> {
  if (json === undefined ? body !== undefined : !isRecord(json)) {
    throw refused('An action with the tag custom takes json, an object.');
  }
  if (isRecord(json) && Object.hasOwn(json, 'connectionKey')) {
    throw refused('json must not have a connectionKey: the module sets it.');
  }
  if (method === 'GET' || method === 'HEAD') return { headers, body };
  return {
    headers: { 'content-type': JSON_TYPE, ...headers },
    body: toJson({ ...(json as object), connectionKey }),
  };
}
