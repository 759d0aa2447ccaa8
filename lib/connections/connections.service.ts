import { Inject, Injectable } from '@nestjs/common';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { AuthKitException } from '../authkit.exception.js';
import {
  RequestRunner,
  type Session,
  type Steps,
} from '../core/request-runner.js';
import { REQUEST_TIMING, type RequestTiming } from '../core/request-timing.js';
import {
  parseIdentity,
  type AuthKitIdentity,
} from '../identity/authkit-identity.js';
import { ModuleOptions } from '../options/module.options.js';
import {
  assertConnection,
  assertReplacement,
  belongsTo,
  isConnection,
  isConnectionId,
  isReconnection,
  labelOf,
  needsReconnect,
} from './connection.js';
import {
  assertFilter,
  assertLabel,
  ConnectionQuery,
  invalidArgument,
  isConnectionKey,
  parsePageOptions,
  type AuthKitConnectionFilter,
  type AuthKitConnectionListOptions,
} from './connection-filter.js';
import {
  ConnectionReader,
  type AuthKitConnectionPage,
} from './connection-reader.js';
import type { AuthKitConnection } from '../authkit.types.js';

/** The fields of a connection that can be changed. */
export interface AuthKitConnectionUpdate {
  /** The label: up to 256 characters. `''` clears it. */
  name?: string;
  /** Replaces all tags: up to 32 strings of 1 to 128 characters. */
  tags?: readonly string[];
}

/** Settings of one request. */
export interface AuthKitRequestOptions {
  /** Cancels the request: it rejects with `cancelled`. */
  signal?: AbortSignal;
  /** @internal */
  [REQUEST_TIMING]?: RequestTiming;
}

/** The delay before a connection that is not visible yet is looked up again, in ms. Each further delay is twice as long. */
const LOOKUP_INTERVAL = 150;

/** The maximum of `waitFor` in ms: a day. */
const MAX_WAIT = 86_400_000;

/** How often in a row a walk waits for a rate limit. */
const MAX_RATE_LIMIT_WAITS = 10;

/** How long `deleteAll()` waits for a list that still shows what it has deleted, in ms. */
const DELETE_PAUSE = 200;

/** How often `deleteAll()` looks for connections that it has not deleted yet. */
const MAX_DELETE_PASSES = 10;

/** How many connections the message of `ambiguous` names. */
const MAX_NAMED = 10;

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

  constructor(
    @Inject(RequestRunner) private readonly runner: RequestRunner,
    @Inject(AUTHKIT_OPTIONS) options: ModuleOptions,
  ) {
    this.reader = new ConnectionReader(options);
  }

  /**
   * Lists one page of the owner's connections, the active ones first. It
   * includes the inactive ones: a connection that the user has to repair is
   * inactive. A list of up to 150 takes one round trip; a longer one is read
   * whole for each page, up to `maxPages` times 150, so use {@link all} for it.
   *
   * @throws {AuthKitException} `invalid_argument` for an invalid filter, `page`
   *   or `limit`; otherwise as `AuthKitTokenService.create()`
   */
  async list(
    owner: AuthKitIdentity,
    filter: AuthKitConnectionListOptions = {},
  ): Promise<AuthKitConnectionPage> {
    return this.run('list', owner, filter, async (session) => {
      const query = new ConnectionQuery(session.identity, filter);
      const page = parsePageOptions(filter);
      return this.reader.page(session, query, page);
    });
  }

  /**
   * Iterates over all connections of the owner, page by page. The `timeout`
   * option holds for each page, `signal` for the whole. After a 429 the walk
   * waits as `Retry-After` says and goes on.
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
    return {
      [Symbol.asyncIterator]: () => this.walk('all', owner, filter),
    };
  }

  /**
   * Returns one connection of the owner.
   *
   * @throws {AuthKitException} `not_found` where the owner has none with this id;
   *   `invalid_argument` where the id is no string
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
   *   yet is looked up again. Default: 0
   * @returns `undefined` where the owner has no connection with this key
   * @throws {AuthKitException} `invalid_argument` where the key is no string,
   *   or `waitFor` is no number from 0 on
   */
  async findByKey(
    owner: AuthKitIdentity,
    key: string,
    options: AuthKitRequestOptions & { waitFor?: number } = {},
  ): Promise<AuthKitConnection | undefined> {
    const { waitFor = 0 } = options;
    const extraTime = waitFor >= 0 ? Math.min(waitFor, MAX_WAIT) : 0;
    const request = { ...toRequest('findByKey', owner, options), extraTime };
    return this.runner.runSteps(request, async (session) => {
      if (typeof key !== 'string')
        throw invalidArgument('key', 'a string', key);
      if (typeof waitFor !== 'number' || !(waitFor >= 0)) {
        throw invalidArgument('waitFor', 'a number of ms from 0 on', waitFor);
      }
      return this.waitForOwn(session, key, extraTime);
    });
  }

  /**
   * Finds the connection that a page confirms, and copies to it the name and
   * the tags of the one that it replaces. The caller deletes that one, last.
   *
   * @param key as the page says, which may be forged
   * @param replaces the id of the connection to replace. Where the owner has none
   *   with this id, or the confirmed one was not made to replace it, nothing is replaced.
   * @throws {AuthKitException} `not_found` where the owner has no connection with
   *   this key; `invalid_argument` where the two are the same, or of different platforms
   * @internal
   */
  async findConfirmed(
    owner: AuthKitIdentity,
    key: string,
    replaces: string | undefined,
    { waitFor, ...options }: AuthKitRequestOptions & { waitFor: number },
  ): Promise<{ connection: AuthKitConnection; replaced?: AuthKitConnection }> {
    return this.run('confirm', owner, options, async (session) => {
      const found = await this.waitForOwn(session, key, waitFor);
      if (!found) throw new AuthKitException('not_found');
      const old =
        replaces === undefined
          ? undefined
          : await this.findOwnById(session, replaces);
      if (!old) return { connection: found };
      assertReplacement(old, found);
      if (!isReconnection(old, found)) return { connection: found };
      const connection = await this.copyLabel(session, old, found);
      return { connection, replaced: old };
    });
  }

  /**
   * Returns the one usable connection of the owner, for a call through Pica.
   * Call it before each such call instead of storing keys: they change when the
   * user connects again.
   *
   * @throws {AuthKitException} `not_connected` where there is none,
   *   `reconnect_required` where there are some and none is usable, `ambiguous`
   *   where there are several; its message names their ids and names
   */
  async resolve(
    owner: AuthKitIdentity,
    filter: Pick<AuthKitConnectionFilter, 'platform' | 'tags' | 'key'> &
      AuthKitRequestOptions = {},
  ): Promise<AuthKitConnection> {
    return this.run('resolve', owner, filter, async (session) => {
      assertFilter(filter);
      const query = new ConnectionQuery(session.identity, {
        ...filter,
        active: 'any',
      });
      const found = query.isImpossible
        ? []
        : await collect(this.reader.walk(query, (steps) => steps(session)));
      const usable = found.filter((connection) => !needsReconnect(connection));
      if (usable.length > 1) throw ambiguous(usable);
      if (usable[0]) return usable[0];
      throw new AuthKitException(
        found.length > 0 ? 'reconnect_required' : 'not_connected',
      );
    });
  }

  /**
   * Changes name or tags of a connection. A missing field stays as it is.
   *
   * @returns the connection as it is afterwards
   * @throws {AuthKitException} `not_found`, or `invalid_argument` where neither
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
   * Replaces a connection after the user has connected again, which makes a new
   * connection with a new key beside the old one. Copies name and tags to the
   * new one and deletes the old one last, so that a failure leaves both.
   *
   * @param newKey the key of the new connection
   * @returns the new connection
   * @throws {AuthKitException} `not_found` where the owner has not both;
   *   `invalid_argument` where they are of different platforms, or the same
   */
  async replace(
    owner: AuthKitIdentity,
    oldId: string,
    newKey: string,
    options: AuthKitRequestOptions = {},
  ): Promise<AuthKitConnection> {
    return this.run('replace', owner, options, async (session) => {
      if (typeof newKey !== 'string') {
        throw invalidArgument('newKey', 'a string', newKey);
      }
      const old = await this.getOwn(session, oldId);
      const replacement = isConnectionKey(newKey)
        ? await this.findOwn(session, newKey)
        : undefined;
      if (!replacement) throw new AuthKitException('not_found');
      assertReplacement(old, replacement);
      const labelled = await this.copyLabel(session, old, replacement);
      await this.reader.delete(session, old.id);
      return labelled;
    });
  }

  /**
   * Deletes a connection from Pica for good, with its credentials. It does not
   * revoke them at the platform.
   *
   * @throws {AuthKitException} `not_found` where the owner has none with this id
   */
  async delete(
    owner: AuthKitIdentity,
    id: string,
    options: AuthKitRequestOptions = {},
  ): Promise<void> {
    return this.run('delete', owner, options, async (session) => {
      const { id: known } = await this.getOwn(session, id);
      await this.reader.delete(session, known);
    });
  }

  /**
   * Deletes all connections of the owner, e.g. when the user closes the
   * account: the inactive ones too, unless the filter says otherwise. The
   * `timeout` option holds for each call, `signal` for the whole. After a 429 it
   * waits as `Retry-After` says and goes on. It can be repeated after a failure.
   *
   * @param filter `dryRun`: count and delete nothing. Default: `false`
   * @returns the number of connections deleted
   * @throws {AuthKitException} whose `deleted` says how many are gone
   */
  async deleteAll(
    owner: AuthKitIdentity,
    filter: AuthKitConnectionFilter &
      AuthKitRequestOptions & { dryRun?: boolean } = {},
  ): Promise<number> {
    const deleted = new Set<string>();
    try {
      for (let pass = 1; pass <= MAX_DELETE_PASSES; pass += 1) {
        const found = await collect(this.walk('deleteAll', owner, filter));
        if (filter.dryRun) return found.length;
        // Rows move to other pages while they are deleted, so the list is read again until it is empty.
        if (found.length === 0) return deleted.size;
        // A list that is behind shows what is gone, and a 404 need not be true.
        if (found.every(({ id }) => deleted.has(id))) {
          await this.runner.wait(DELETE_PAUSE, filter.signal);
        }
        await this.reader.inParallel(found.length, async (index) => {
          const { id } = found[index]!;
          await this.patiently('deleteAll', owner, filter, (session) =>
            this.reader.delete(session, id),
          );
          deleted.add(id);
        });
      }
      throw new AuthKitException('unavailable', {
        cause: new Error('connections are listed again and again'),
      });
    } catch (error) {
      throw error instanceof AuthKitException
        ? error.with({ deleted: deleted.size })
        : error;
    }
  }

  private async *walk(
    operation: string,
    owner: AuthKitIdentity,
    filter: AuthKitConnectionFilter & AuthKitRequestOptions,
  ): AsyncGenerator<AuthKitConnection, void, undefined> {
    const query = new ConnectionQuery(parseIdentity(owner), filter);
    yield* this.reader.walk(query, (steps) =>
      this.patiently(operation, query.owner, filter, steps),
    );
  }

  /** Runs steps, and again after a 429: as often as it takes, but not for ever. */
  private async patiently<T>(
    operation: string,
    owner: AuthKitIdentity,
    { signal }: AuthKitRequestOptions,
    steps: Steps<T>,
  ): Promise<T> {
    const request = toRequest(operation, owner, { signal });
    for (let waits = 0; ; waits += 1) {
      const isHandled = (failure: AuthKitException) =>
        isRateLimit(failure) && waits < MAX_RATE_LIMIT_WAITS;
      try {
        return await this.runner.runSteps({ ...request, isHandled }, steps);
      } catch (error) {
        const failure = error as AuthKitException;
        if (!isHandled(failure)) throw failure;
        const seconds = failure.retryAfter ?? Math.min(2 ** waits, 60);
        await this.runner.wait(seconds * 1_000, signal);
      }
    }
  }

  private run<T>(
    operation: string,
    owner: AuthKitIdentity,
    options: AuthKitRequestOptions | null | undefined,
    steps: Steps<T>,
  ): Promise<T> {
    return this.runner.runSteps(toRequest(operation, owner, options), steps);
  }

  /** @throws {AuthKitException} `not_found`, the same for a connection of somebody else */
  private async getOwn(
    session: Session,
    id: string,
  ): Promise<AuthKitConnection> {
    if (typeof id !== 'string') throw invalidArgument('id', 'a string', id);
    const found = await this.findOwnById(session, id);
    if (!found) throw new AuthKitException('not_found');
    return found;
  }

  private async findOwnById(
    session: Session,
    id: string,
  ): Promise<AuthKitConnection | undefined> {
    const row = isConnectionId(id)
      ? await this.reader.get(session, id)
      : undefined;
    return row && belongsTo(row, session.identity)
      ? assertConnection(row, id)
      : undefined;
  }

  /** Looks a connection up until it is visible, at most `waitFor` ms. */
  private async waitForOwn(
    session: Session,
    key: string,
    waitFor: number,
  ): Promise<AuthKitConnection | undefined> {
    if (!isConnectionKey(key)) return undefined;
    const giveUpAt = performance.now() + waitFor;
    for (let interval = LOOKUP_INTERVAL; ; interval *= 2) {
      const found = await this.findOwn(session, key);
      const remaining = giveUpAt - performance.now();
      if (found || remaining <= 0) return found;
      await session.wait(Math.min(interval, remaining));
    }
  }

  private copyLabel(
    session: Session,
    from: AuthKitConnection,
    to: AuthKitConnection,
  ): Promise<AuthKitConnection> {
    const label = labelOf(from);
    return label ? this.patchOwn(session, to.id, label) : Promise.resolve(to);
  }

  private findOwn(
    session: Session,
    key: string,
  ): Promise<AuthKitConnection | undefined> {
    const query = new ConnectionQuery(session.identity, { key });
    return this.reader.find(session, query);
  }

  private async patchOwn(
    session: Session,
    id: string,
    { name, tags }: AuthKitConnectionUpdate,
  ): Promise<AuthKitConnection> {
    // JSON leaves out what is undefined.
    const row = await this.reader.patch(session, id, { name, tags });
    // One vendor documents a body, the other none.
    return row && belongsTo(row, session.identity) && isConnection(row, id)
      ? row
      : this.getOwn(session, id);
  }
}

function toRequest(
  operation: string,
  owner: AuthKitIdentity,
  options: AuthKitRequestOptions | null | undefined,
) {
  return {
    outcome: `connections.${operation}() failed`,
    traced: { channel: 'connections' as const, operation },
    identity: owner,
    signal: options?.signal,
    ...options?.[REQUEST_TIMING],
  };
}

/** Whether a call has failed because of the rate limit of the plan, and not because too much is pending here. */
function isRateLimit({ reason, upstreamStatus }: AuthKitException): boolean {
  return reason === 'rate_limited' && upstreamStatus === 429;
}

/** The error that names several connections by their ids and names. */
function ambiguous(
  connections: readonly AuthKitConnection[],
): AuthKitException {
  const named = connections
    .slice(0, MAX_NAMED)
    .map(({ id, name }) => (name ? `${id} (${JSON.stringify(name)})` : id));
  const others = connections.length - named.length;
  const list = [...named, ...(others > 0 ? [`${others} more`] : [])].join(', ');
  return new AuthKitException('ambiguous', {
    message: `There are ${connections.length} such connections: ${list}. Choose one by its platform, tags or key.`,
  });
}

/** Reads an iterable to its end. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
