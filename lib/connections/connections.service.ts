import { Inject, Injectable } from '@nestjs/common';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { AuthKitException, invalidArgument } from '../authkit.exception.js';
import type { AuthKitConnection } from '../authkit.types.js';
import { BoundedMap } from '../bounded-map.js';
import { assertLabel } from '../core/app-functions.js';
import {
  ROUTE_CONTEXT,
  RequestRunner,
  type RouteContext,
  type Session,
  type Task,
} from '../core/request-runner.js';
import {
  parseIdentity,
  type AuthKitIdentity,
} from '../identity/authkit-identity.js';
import { LIMITS } from '../options/limits.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { inParallel } from '../pica/fetch-pages.js';
import { wait } from '../pica/pica.client.js';
import { InvalidResponseError } from '../pica/json-checks.js';
import { PicaApi } from '../pica/pica-api.js';
import {
  belongsTo,
  CONNECTION_ID,
  isConnection,
  isOperational,
  isReconnection,
  labelOf,
  needsReconnect,
} from './connection.js';
import {
  CONDITIONS,
  ConnectionQuery,
  isConnectionKey,
  parseFilter,
  parsePageOptions,
  type AuthKitConnectionFilter,
} from './connection-filter.js';
import { ConnectionReader, type Run } from './read-connections.js';
import { ownerKey, ResolvedConnections } from './resolved-connections.js';

/** Settings of one request. */
export interface AuthKitRequestOptions {
  /** Cancels the request: it rejects with `cancelled`. */
  signal?: AbortSignal;
  /** @internal */
  [ROUTE_CONTEXT]?: RouteContext;
}

/** The page to list. */
export interface AuthKitConnectionListOptions
  extends AuthKitConnectionFilter, AuthKitRequestOptions {
  /** From 1. Default: 1 */
  page?: number;
  /** The number of connections on a page, 1 to 150. Default: 20 */
  limit?: number;
}

/** One page of an owner's connections. */
export interface AuthKitConnectionPage {
  rows: AuthKitConnection[];
  /** The number of connections on all pages. */
  total: number;
  /** The number of pages. */
  pages: number;
  /** The number of this page, from 1. */
  page: number;
}

/** The fields of a connection that can be changed. */
export interface AuthKitConnectionUpdate {
  /** The label: up to 256 characters. `''` clears it. */
  name?: string;
  /** Replaces all tags: up to 32 strings of 1 to 128 characters. */
  tags?: readonly string[];
}

/** How a connection is confirmed. */
export interface AuthKitConfirmOptions extends AuthKitRequestOptions {
  /** The id of the connection that the user has connected again. */
  replaces?: string;
  /** ms during which a connection that is not visible yet is looked up again. Default: 2,000 */
  waitFor?: number;
  /** The request of the page, for `onConnected`. */
  request?: object;
}

/** A confirmed connection. */
export interface AuthKitConfirmation {
  connection: AuthKitConnection;
  /** The connection that it has replaced, which is deleted. */
  replaced?: AuthKitConnection;
}

/** Which connections of all owners. */
export interface AuthKitScanOptions extends Omit<
  AuthKitConnectionFilter,
  'key'
> {
  /** What the functions `secretKey` and `scope` receive. Needed if one of the options is a function. */
  as?: AuthKitIdentity;
  /** Cancels the scan. */
  signal?: AbortSignal;
}

/** The connection of a call: one by its id, or the one of a platform. */
export type ConnectionSelector =
  | { readonly id: string }
  | { readonly platform: string; readonly tags?: readonly string[] };

/** How often a connection that is not visible yet is looked up. */
const MAX_LOOKS = 4;

/** The maximum number of confirmations of one owner that wait for a connection to become visible. */
const MAX_WAITING = 2;

/** The default of `waitFor` of a confirmation in ms. */
const CONFIRM_WAIT_MS = 2_000;

/** The maximum of `waitFor` in ms: a day. */
const MAX_WAIT_MS = 86_400_000;

/** How often in a row `all()`, `scan()` and `deleteAll()` wait for a rate limit. */
const MAX_RATE_LIMIT_WAITS = 10;

/** The maximum of one such wait in ms: limits are by the minute. */
const MAX_RATE_LIMIT_WAIT_MS = 300_000;

/** How long `deleteAll()` waits for a list that still shows what it has deleted, in ms. */
const DELETE_PAUSE_MS = 200;

/** How often `deleteAll()` looks for connections that it has not deleted yet. */
const MAX_DELETE_PASSES = 10;

/** How many connections the log line of `ambiguous` names. */
const MAX_NAMED = 10;

/** How long a connection that a call has found lost counts as one that needs reconnecting, in ms: an hour. */
const LOST_TTL_MS = 3_600_000;

/**
 * Finds, changes and deletes the connections of an owner.
 *
 * Pica checks no owner: whoever has the secret key reads and deletes
 * everybody's connections. So every method takes the owner first, and compares
 * each row that comes back with it, whatever the request asked for. A connection
 * of somebody else is not there: it fails as one that does not exist, with `not_found`.
 *
 * @example
 * ```ts
 * @Get('mine')
 * @UseGuards(SessionGuard, AuthKitIdentityGuard)
 * mine(@CurrentIdentity() owner: AuthKitIdentity) {
 *   return this.connections.list(owner, { platform: 'gmail' });
 * }
 * ```
 *
 * @publicApi
 */
@Injectable()
export class AuthKitConnectionsService {
  private readonly reader: ConnectionReader;
  /** The ids of connections that calls have found lost. */
  private readonly lost = new BoundedMap<true>(10_000);
  private readonly resolved = new ResolvedConnections();
  /** How many confirmations of an owner wait. The keys hold the secret key: truly private, nothing that inspects this object shows them. */
  readonly #waiting = new Map<string, number>();
  /** The replacements of each owner run one after the other: two that cross must not delete both connections. */
  readonly #replacing = new Map<string, Promise<unknown>>();

  constructor(
    @Inject(RequestRunner) private readonly runner: RequestRunner,
    @Inject(PicaApi) private readonly api: PicaApi,
    @Inject(AUTHKIT_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    this.reader = new ConnectionReader(api, options);
  }

  /**
   * Lists one page of the owner's connections, the active ones first. It
   * includes the inactive ones: a connection that the user has to repair is
   * inactive. All of them are read for each page, 150 at a time in parallel,
   * so use {@link all} for thousands.
   *
   * @throws {AuthKitException} `invalid_argument` for an invalid filter, `page`
   *   or `limit`; otherwise as `AuthKitTokenService.create()`
   */
  async list(
    owner: AuthKitIdentity,
    filter: AuthKitConnectionListOptions = {},
  ): Promise<AuthKitConnectionPage> {
    return this.run('list', owner, filter, async (session) => {
      const settings = ['page', 'limit', 'signal'];
      const conditions = parseFilter(filter, CONDITIONS, settings);
      const { page, limit } = parsePageOptions(filter);
      const all = await this.readAll(session, conditions);
      return {
        rows: all.slice((page - 1) * limit, page * limit),
        total: all.length,
        pages: Math.ceil(all.length / limit),
        page,
      };
    });
  }

  /**
   * Iterates over all connections of the owner, page by page. The `timeout`
   * option holds for each page, `signal` for the whole. After a 429 the walk
   * waits as `Retry-After` says, for 5 min at most and 10 times in a row, and goes on.
   *
   * @example
   * ```ts
   * for await (const connection of connections.all(owner)) { … }
   * ```
   *
   * @throws {AuthKitException} as {@link list}
   */
  all(
    owner: AuthKitIdentity,
    filter: AuthKitConnectionFilter & AuthKitRequestOptions = {},
  ): AsyncIterable<AuthKitConnection> {
    return iterable(() => {
      const conditions = parseFilter(filter, CONDITIONS);
      const query = new ConnectionQuery(parseIdentity(owner), conditions);
      const run = this.patiently('all', owner, filter.signal);
      return this.reader.walk(query, run);
    });
  }

  /**
   * Iterates over the connections of **all** owners of a secret key, page by
   * page, for jobs. Never call it for a request of a user. `ownerOf(connection)`
   * returns the owner. Waits for rate limits as {@link all}.
   *
   * @param options `as`: the identity that the functions `secretKey` and `scope` receive
   * @throws {AuthKitException} `invalid_argument` for an invalid filter, or if one
   *   of these options is a function and `as` is missing; `malformed` after 10,000
   *   pages; otherwise as {@link list}
   */
  scan(options: AuthKitScanOptions = {}): AsyncIterable<AuthKitConnection> {
    return iterable(() => {
      const conditions = parseFilter(
        options,
        ['platform', 'tags', 'active'],
        ['as', 'signal'],
      );
      const { as, signal } = options;
      if (as === undefined && this.runner.hasManyAccounts) {
        throw new AuthKitException('invalid_argument', {
          message:
            'scan() needs the option as: secretKey or scope is a function of the identity. Pass as: { identity, tenant }.',
        });
      }
      const identity = as === undefined ? undefined : parseIdentity(as);
      const query = new ConnectionQuery(undefined, conditions);
      return this.reader.walk(query, this.patiently('scan', identity, signal));
    });
  }

  /**
   * Returns one connection of the owner.
   *
   * @throws {AuthKitException} `not_found` if the owner has none with this id;
   *   `invalid_argument` if the id is no string
   */
  async get(
    owner: AuthKitIdentity,
    id: string,
    options: AuthKitRequestOptions = {},
  ): Promise<AuthKitConnection> {
    return this.run('get', owner, options, (session) =>
      this.getOwn(session, id),
    );
  }

  /**
   * Finds the connection of a key. The key that `onSuccess` gives to the page
   * is a claim: any frame can forge the message. This tells whether the
   * connection exists and belongs to the owner.
   *
   * @param options `waitFor`: ms during which a connection that is not visible
   *   yet is looked up again, 4 times in all. Default: 0
   * @returns `undefined` if the owner has no connection with this key
   * @throws {AuthKitException} `invalid_argument` if the key is no string, or
   *   `waitFor` is no number from 0 on; `rate_limited` if two others of the owner wait already
   */
  async findByKey(
    owner: AuthKitIdentity,
    key: string,
    options: AuthKitRequestOptions & { waitFor?: number } = {},
  ): Promise<AuthKitConnection | undefined> {
    const { waitFor = 0 } = options ?? {};
    const timing = this.timingFor(options, waitFor);
    return this.run('findByKey', owner, timing, (session) =>
      this.waitForOwn(session, key, waitFor),
    );
  }

  /**
   * Returns the one usable connection of the owner, for a call through Pica.
   * Call it before each such call instead of storing keys: they change when the
   * user connects again. A connection that a call has found lost within the last
   * hour is not usable.
   *
   * @throws {AuthKitException} `not_connected` if there is none,
   *   `reconnect_required` if there are some and none is usable, `ambiguous` if
   *   there are several
   */
  async resolve(
    owner: AuthKitIdentity,
    filter: Pick<AuthKitConnectionFilter, 'platform' | 'tags' | 'key'> &
      AuthKitRequestOptions = {},
  ): Promise<AuthKitConnection> {
    return this.run('resolve', owner, filter, (session) =>
      this.resolveOwn(session, filter),
    );
  }

  /**
   * Changes name or tags of a connection. A missing field stays as it is.
   *
   * @returns the connection as it is afterwards
   * @throws {AuthKitException} `not_found`, or `invalid_argument` if neither
   *   field is given, or one is invalid
   */
  async update(
    owner: AuthKitIdentity,
    id: string,
    changes: AuthKitConnectionUpdate,
    options: AuthKitRequestOptions = {},
  ): Promise<AuthKitConnection> {
    return this.run('update', owner, options, async (session) => {
      const { name, tags } = changes ?? {};
      assertLabel({ name, tags });
      if (name === undefined && tags === undefined) {
        throw new AuthKitException('invalid_argument', {
          message: 'Nothing to change: pass name, tags, or both.',
        });
      }
      const { id: known } = await this.getOwn(session, id);
      return this.patchOwn(session, known, { name, tags });
    });
  }

  /**
   * Deletes a connection from Pica for good, with its credentials. It does not
   * revoke them at the platform.
   *
   * @throws {AuthKitException} `not_found` if the owner has none with this id
   */
  async delete(
    owner: AuthKitIdentity,
    id: string,
    options: AuthKitRequestOptions = {},
  ): Promise<void> {
    await this.deleteAndReturn(owner, id, options);
  }

  /**
   * Deletes a connection and returns it as it was, for `onDisconnected`.
   *
   * @internal
   */
  async deleteAndReturn(
    owner: AuthKitIdentity,
    id: string,
    options: AuthKitRequestOptions = {},
  ): Promise<AuthKitConnection> {
    return this.run('delete', owner, options, async (session) => {
      const connection = await this.getOwn(session, id);
      await this.deleteOwn(session, connection);
      return connection;
    });
  }

  /**
   * Deletes all connections of the owner, e.g. when the user closes the
   * account: the inactive ones too, unless the filter says otherwise. The
   * `timeout` option holds for each call, `signal` for the whole. It waits for
   * rate limits as {@link all}. It can be repeated after a failure.
   *
   * @param filter `dryRun`: count and delete nothing. Default: `false`
   * @returns the number of connections deleted
   * @throws {AuthKitException} whose `deleted` says how many are gone;
   *   `unavailable` if Pica goes on listing what it says it has not
   */
  async deleteAll(
    owner: AuthKitIdentity,
    filter: AuthKitConnectionFilter &
      AuthKitRequestOptions & { dryRun?: boolean } = {},
  ): Promise<number> {
    // Whether the service said that it deleted a connection, or that there is none.
    const deleted = new Map<string, boolean>();
    try {
      const conditions = parseFilter(filter, [...CONDITIONS, 'dryRun']);
      const query = new ConnectionQuery(parseIdentity(owner), conditions);
      const run = this.patiently('deleteAll', owner, filter.signal);
      for (let pass = 1; pass <= MAX_DELETE_PASSES; pass += 1) {
        const found = await collect(this.reader.walk(query, run));
        if (filter.dryRun) return found.length;
        // Rows move to other pages while they are deleted, so the list is read again until it is empty.
        if (found.length === 0) return deleted.size;
        // A list that is behind shows what is gone, and a 404 need not be true.
        if (found.every(({ id }) => deleted.has(id))) {
          await this.runner.wait(DELETE_PAUSE_MS, filter.signal);
        }
        await this.deleteEach(found, run, deleted);
      }
      throw new AuthKitException('unavailable', {
        cause: new Error(
          'connections are listed again and again after their deletion, which was answered with 200 or 404',
        ),
      });
    } catch (error) {
      const count = [...deleted.values()].filter(Boolean).length;
      throw error instanceof AuthKitException
        ? error.with({ deleted: count })
        : error;
    }
  }

  /**
   * Confirms the connection that `onSuccess` gave to the page, as the POST route
   * does, for controllers of the app's own. The key is a claim of the page, and
   * `replaces` too. Finds the connection, calls the option `onConnected`, copies
   * name and tags of the connection that it replaces, looks at it once more, and
   * deletes the replaced one last: a failure leaves both.
   *
   * It replaces only if the old one is the owner's and of the same platform, and
   * the new one is operational, not older, and was created within the last hour.
   * If the vendor tells no dates, the old one must need reconnecting.
   * Otherwise the new one is confirmed and the old one stays.
   *
   * The time of `onConnected` does not count towards the `timeout` option.
   *
   * @throws {AuthKitException} `not_found` if the owner has no connection with
   *   this key, or has deleted it meanwhile; `reconnect_required` if it has failed
   *   meanwhile; `rate_limited` if two other confirmations of the owner wait
   *   already; and what `onConnected` throws
   */
  async confirm(
    owner: AuthKitIdentity,
    key: string,
    options: AuthKitConfirmOptions = {},
  ): Promise<AuthKitConfirmation> {
    const { waitFor = CONFIRM_WAIT_MS, replaces, request } = options ?? {};
    const { onConnected } = this.options;
    const timing = this.timingFor(options, waitFor);
    const { connection, old, others } = await this.run(
      'confirm',
      owner,
      timing,
      async (session) => {
        const found = await this.waitForOwn(session, key, waitFor);
        if (!found) throw new AuthKitException('not_found');
        this.resolved.forget(session);
        const { id, platform } = found;
        const claimed = await this.findOwnById(session, replaces);
        const old =
          claimed && isReconnection(claimed, found, this.isLost(claimed))
            ? claimed
            : undefined;
        const same = onConnected
          ? await this.readAll(session, { platform })
          : [];
        const others = same.filter(
          (other) => other.id !== id && other.id !== old?.id,
        );
        return { connection: found, old, others };
      },
    );
    const calledAt = performance.now();
    await onConnected?.(connection, owner, { replaced: old, others, request });
    if (!old) return { connection };
    const listenerTime = performance.now() - calledAt;
    const replacement = await this.run(
      'confirm',
      owner,
      this.timingFor(timing, listenerTime),
      (session) => this.replaceOwn(session, old, connection),
    );
    return { connection: replacement, replaced: old };
  }

  /**
   * Replaces a connection after the user has connected again, which makes a new
   * connection with a new key beside the old one. The decision is the app's: use
   * {@link confirm} for what a page says. Copies name and tags to the new one
   * and deletes the old one last, so that a failure leaves both.
   *
   * @param newKey the key of the new connection
   * @returns the new connection
   * @throws {AuthKitException} `not_found` if the owner has not both;
   *   `invalid_argument` if they are the same, of different platforms, or the new
   *   one is not operational
   */
  async replace(
    owner: AuthKitIdentity,
    oldId: string,
    newKey: string,
    options: AuthKitRequestOptions = {},
  ): Promise<AuthKitConnection> {
    return this.run('replace', owner, options, async (session) => {
      assertKey(newKey);
      const old = await this.getOwn(session, oldId);
      const replacement = await this.waitForOwn(session, newKey, 0);
      if (!replacement) throw new AuthKitException('not_found');
      assertReplacement(old, replacement);
      return this.replaceOwn(session, old, replacement);
    });
  }

  /** Reads all connections of an owner within a running request. @internal */
  async readAll(
    session: Session,
    filter: AuthKitConnectionFilter,
  ): Promise<AuthKitConnection[]> {
    const query = new ConnectionQuery(session.identity, filter);
    return this.reader.readAll(session, query);
  }

  /** {@link resolve} within a running request. @internal */
  async resolveOwn(
    session: Session,
    filter: AuthKitConnectionFilter,
  ): Promise<AuthKitConnection> {
    const conditions = parseFilter(filter, ['platform', 'tags', 'key']);
    const found = await this.readAll(session, conditions);
    const working = found.filter((each) => !needsReconnect(each));
    const kept = working.filter((each) => !this.isLost(each));
    // A lost one may have been repaired.
    const usable = kept.length > 0 ? kept : working;
    if (usable.length > 1) throw ambiguous(usable);
    if (usable[0]) return usable[0];
    const reason = found.length > 0 ? 'reconnect_required' : 'not_connected';
    throw new AuthKitException(reason);
  }

  /**
   * {@link get} within a running request.
   *
   * @throws {AuthKitException} `not_found`, the same for a connection of somebody else
   * @internal
   */
  async getOwn(session: Session, id: string): Promise<AuthKitConnection> {
    if (typeof id !== 'string') throw invalidArgument('id', 'a string', id);
    const found = await this.findOwnById(session, id);
    if (!found) throw new AuthKitException('not_found');
    return found;
  }

  /**
   * Returns the connection of a call, remembered for 30 s.
   *
   * @throws {AuthKitException} as {@link resolve} and {@link get}; `reconnect_required` if the connection needs it
   * @internal
   */
  async resolveForCall(
    session: Session,
    selector: ConnectionSelector,
  ): Promise<AuthKitConnection> {
    const connection = await this.resolved.get(session, selector, (shared) =>
      'id' in selector
        ? this.getOwn(shared, selector.id)
        : this.resolveOwn(shared, selector),
    );
    if (!needsReconnect(connection)) return connection;
    throw new AuthKitException('reconnect_required');
  }

  /** Forgets what {@link resolveForCall} remembers of an owner. @internal */
  forgetResolved(session: Session): void {
    this.resolved.forget(session);
  }

  /** Remembers for an hour that a call has found a connection lost. Returns `false` if that was known. @internal */
  markLost({ id }: AuthKitConnection): boolean {
    if (this.lost.get(id)) return false;
    this.lost.set(id, true, LOST_TTL_MS);
    return true;
  }

  /** A call through a connection has worked. @internal */
  markFound({ id }: AuthKitConnection): void {
    this.lost.delete(id);
  }

  private isLost({ id }: AuthKitConnection): boolean {
    return this.lost.get(id) === true;
  }

  /** Deletes connections, several in parallel, until one fails. Waits for all that have begun, so that the count is complete. */
  private async deleteEach(
    found: readonly AuthKitConnection[],
    run: Run,
    deleted: Map<string, boolean>,
  ): Promise<void> {
    let failure: unknown;
    const { concurrency } = this.options[LIMITS];
    await inParallel(found.length, concurrency, async (index) => {
      const { id } = found[index]!;
      if (failure) return;
      try {
        const isDeleted = await run((session) => {
          this.resolved.forget(session);
          return this.api.deleteConnection(session, id);
        });
        deleted.set(id, isDeleted ?? deleted.get(id) ?? false);
      } catch (error) {
        failure ??= error;
      }
    });
    if (failure) throw failure;
  }

  /** Returns what runs a task, and again after a 429. */
  private patiently(
    operation: string,
    owner: AuthKitIdentity | undefined,
    signal: AbortSignal | undefined,
  ): Run {
    return async (task) => {
      for (let waits = 0; ; waits += 1) {
        let delay: number | undefined;
        const isHandled = ({
          upstreamStatus,
          retryAfter,
        }: AuthKitException) => {
          // `rate_limited` without a response says that too much is pending here.
          if (upstreamStatus !== 429 || waits >= MAX_RATE_LIMIT_WAITS)
            return false;
          delay = (retryAfter ?? Math.min(2 ** waits, 60)) * 1_000;
          return delay <= MAX_RATE_LIMIT_WAIT_MS;
        };
        try {
          return await this.run(operation, owner, { signal }, task, isHandled);
        } catch (error) {
          if (!isHandled(error as AuthKitException)) throw error;
          await this.runner.wait(delay!, signal);
        }
      }
    };
  }

  private run<T>(
    operation: string,
    owner: AuthKitIdentity | undefined | null,
    options: AuthKitRequestOptions | null | undefined,
    task: Task<T>,
    isHandled?: (failure: AuthKitException) => boolean,
  ): Promise<T> {
    return this.runner.run(
      {
        outcome: `connections.${operation}() failed`,
        traced: { channel: 'connections', operation },
        // A scan alone may have no identity.
        identity: operation === 'scan' ? owner : (owner ?? null),
        signal: options?.signal,
        isHandled,
        ...options?.[ROUTE_CONTEXT],
      },
      task,
    );
  }

  /** The timing of a request that has more time. */
  private timingFor(
    options: AuthKitRequestOptions | null | undefined,
    more: number,
  ): AuthKitRequestOptions {
    const { startedAt = performance.now(), extraTime = 0 } =
      options?.[ROUTE_CONTEXT] ?? {};
    const extra = more >= 0 ? Math.min(more, MAX_WAIT_MS) : 0;
    return {
      signal: options?.signal,
      [ROUTE_CONTEXT]: { startedAt, extraTime: extraTime + extra },
    };
  }

  private async findOwnById(
    session: Session,
    id: string | undefined,
  ): Promise<AuthKitConnection | undefined> {
    if (typeof id !== 'string' || !CONNECTION_ID.test(id)) return undefined;
    const row = await this.api.getConnection(session, id);
    if (!row || !belongsTo(row, session.identity!)) return undefined;
    if (isConnection(row) && isSameId(row, id)) return row;
    throw new InvalidResponseError('not a connection, or another one');
  }

  /** Looks a connection up until it is visible, 4 times within `waitFor` ms. */
  private async waitForOwn(
    session: Session,
    key: string,
    waitFor: number,
  ): Promise<AuthKitConnection | undefined> {
    assertKey(key);
    if (typeof waitFor !== 'number' || !(waitFor >= 0)) {
      throw invalidArgument('waitFor', 'a number of ms from 0 on', waitFor);
    }
    if (!isConnectionKey(key)) return undefined;
    const query = new ConnectionQuery(session.identity, { key });
    const find = () => this.reader.find(session, key, query);
    let found = await find();
    if (found || waitFor === 0) return found;
    const owner = ownerKey(session);
    const waiting = this.#waiting.get(owner) ?? 0;
    if (waiting >= MAX_WAITING) {
      throw new AuthKitException('rate_limited', {
        retryAfter: Math.ceil(waitFor / 1_000),
        cause: new Error(`${waiting} confirmations of the owner wait already`),
      });
    }
    this.#waiting.set(owner, waiting + 1);
    try {
      // Each delay is twice as long: 1/7, 2/7 and 4/7 of the time.
      let delay = Math.min(waitFor, MAX_WAIT_MS) / (2 ** (MAX_LOOKS - 1) - 1);
      for (let look = 2; !found && look <= MAX_LOOKS; look += 1) {
        await wait(delay, session.signal);
        found = await find();
        delay *= 2;
      }
      return found;
    } finally {
      const left = this.#waiting.get(owner)! - 1;
      if (left === 0) this.#waiting.delete(owner);
      else this.#waiting.set(owner, left);
    }
  }

  /** Copies the label of a connection to its replacement, looks at that once more, and deletes the old one. */
  private async replaceOwn(
    session: Session,
    old: AuthKitConnection,
    replacement: AuthKitConnection,
  ): Promise<AuthKitConnection> {
    const owner = ownerKey(session);
    const before = this.#replacing.get(owner) ?? Promise.resolve();
    const replace = async () => {
      session.signal.throwIfAborted();
      const label = labelOf(old);
      if (label) await this.patchOwn(session, replacement.id, label);
      const latest = await this.getOwn(session, replacement.id);
      if (!isOperational(latest)) {
        throw new AuthKitException('reconnect_required');
      }
      await this.deleteOwn(session, old);
      return latest;
    };
    const done = before.then(replace, replace);
    this.#replacing.set(owner, done);
    try {
      return await done;
    } finally {
      if (this.#replacing.get(owner) === done) this.#replacing.delete(owner);
    }
  }

  private async patchOwn(
    session: Session,
    id: string,
    label: AuthKitConnectionUpdate,
  ): Promise<AuthKitConnection> {
    const row = await this.api.updateConnection(session, id, label);
    this.resolved.forget(session);
    if (row === undefined) throw new AuthKitException('not_found');
    // One vendor documents a body, the other none.
    return row !== 'empty' &&
      belongsTo(row, session.identity!) &&
      isConnection(row) &&
      isSameId(row, id)
      ? row
      : this.getOwn(session, id);
  }

  /** @throws {AuthKitException} `unavailable` if the service says that there is no such connection, and still has it */
  private async deleteOwn(
    session: Session,
    { id }: AuthKitConnection,
  ): Promise<void> {
    const isDeleted = await this.api.deleteConnection(session, id);
    this.resolved.forget(session);
    if (isDeleted) return;
    // Another deletion was quicker, or an earlier response was lost.
    if (!(await this.findOwnById(session, id))) return;
    throw new AuthKitException('unavailable', {
      cause: new Error(
        'the deletion of a connection was answered with 404, and it is still there',
      ),
    });
  }
}

/** Whether a connection is the one that was requested. */
function isSameId({ id }: AuthKitConnection, requested: string): boolean {
  return id.toLowerCase() === requested.toLowerCase();
}

/** @throws {AuthKitException} `invalid_argument` */
function assertKey(key: unknown): void {
  if (typeof key !== 'string') throw invalidArgument('key', 'a string', key);
}

/** @throws {AuthKitException} `invalid_argument` if the app cannot replace one connection by the other */
function assertReplacement(
  old: AuthKitConnection,
  replacement: AuthKitConnection,
): void {
  let message: string | undefined;
  if (replacement.id === old.id) {
    message = 'A connection cannot replace itself.';
  } else if (replacement.platform !== old.platform) {
    message = 'A connection can replace only one of the same platform.';
  } else if (!isOperational(replacement)) {
    message = 'The connection that replaces another one must work.';
  }
  if (message) throw new AuthKitException('invalid_argument', { message });
}

/** Names the ids in the log: the message is for users. */
function ambiguous(
  connections: readonly AuthKitConnection[],
): AuthKitException {
  const ids = connections.slice(0, MAX_NAMED).map(({ id }) => id);
  const text = `${connections.length} connections: ${ids.join(', ')}${ids.length < connections.length ? ', …' : ''}; choose one by its platform, tags or key`;
  return new AuthKitException('ambiguous', { cause: new Error(text) });
}

function iterable<T>(
  start: () => AsyncGenerator<T, void, undefined>,
): AsyncIterable<T> {
  return {
    async *[Symbol.asyncIterator]() {
      yield* start();
    },
  };
}

/** Reads an iterable to its end. */
async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
