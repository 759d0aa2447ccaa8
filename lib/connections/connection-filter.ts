import { AuthKitException } from '../authkit.exception.js';
import { REQUEST_TIMING, type RequestTiming } from '../core/request-timing.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import {
  areConnectionTags,
  isConnectionName,
  isText,
} from '../options/connection-label.js';
import { isRecord } from '../pica/responses.js';
import { MAX_PAGE_SIZE } from '../vendors/index.js';
import { belongsTo, type ConnectionRow } from './connection.js';
import { formatType } from '../format-value.js';

/** Which connections of an owner. A connection meets all conditions that are given. */
export interface AuthKitConnectionFilter {
  /** The platform, e.g. `gmail`. */
  platform?: string;
  /** The Connection Key. */
  key?: string;
  /** Tags that the connection has, all of them. */
  tags?: readonly string[];
  /** Whether the connection is active. A connection that has failed is inactive. Default: `'any'` */
  active?: boolean | 'any';
}

/** The page to list. */
export interface AuthKitConnectionListOptions extends AuthKitConnectionFilter {
  /** From 1. Default: 1 */
  page?: number;
  /** The number of connections on a page, 1 to 150. Default: 20 */
  limit?: number;
  /** Cancels the request: it rejects with `cancelled`. */
  signal?: AbortSignal;
  /** @internal */
  [REQUEST_TIMING]?: RequestTiming;
}

/** The default of `limit`, which is that of the service. */
const DEFAULT_LIMIT = 20;

/** Whether a string can be the key of a connection. Anything else finds nothing. */
export function isConnectionKey(key: string): boolean {
  return isText(key, 1_024);
}

/**
 * Validates name and tags of a connection.
 *
 * @throws {AuthKitException} `invalid_argument`
 */
export function assertLabel({
  name,
  tags,
}: {
  name?: unknown;
  tags?: unknown;
}): void {
  if (name !== undefined && !isConnectionName(name)) {
    throw invalidArgument('name', 'a string of 0 to 256 characters', name);
  }
  if (tags !== undefined) assertTags(tags);
}

/** @throws {AuthKitException} `invalid_argument`: a string would have no field, and so match everything */
export function assertFilter(filter: unknown): void {
  if (!isRecord(filter)) throw invalidArgument('filter', 'an object', filter);
}

function assertTags(tags: unknown): void {
  if (!areConnectionTags(tags)) {
    throw invalidArgument(
      'tags',
      'a list of up to 32 strings of 1 to 128 characters',
      tags,
    );
  }
}

/** The error for an argument of the wrong type or form. The value is not shown. */
export function invalidArgument(
  name: string,
  expected: string,
  given: unknown,
): AuthKitException {
  return new AuthKitException('invalid_argument', {
    message: `${name} must be ${expected}, not ${typeof given === 'number' ? given : formatType(given)}.`,
  });
}

/** A validated filter, and what of it can be sent to Pica. */
export class ConnectionQuery {
  /** Whether the key is a filter that Pica is asked for. */
  readonly isKeySent: boolean;
  /** Whether the owner's identity is one. */
  readonly isIdentitySent: boolean;
  private readonly active: boolean | 'any';

  /** @throws {AuthKitException} `invalid_argument` */
  constructor(
    readonly owner: AuthKitIdentity,
    private readonly filter: AuthKitConnectionFilter,
  ) {
    assertFilter(filter);
    const { platform, key, tags, active = 'any' } = filter;
    for (const [name, value] of Object.entries({ platform, key })) {
      if (value !== undefined && typeof value !== 'string') {
        throw invalidArgument(name, 'a string', value);
      }
    }
    if (tags !== undefined) assertTags(tags);
    if (![true, false, 'any'].includes(active)) {
      throw invalidArgument('active', "true, false or 'any'", active);
    }
    this.active = active;
    this.isIdentitySent = isSendable(owner.identity);
    this.isKeySent = key !== undefined && isSendable(key);
  }

  /** Whether no connection can meet the filter. */
  get isImpossible(): boolean {
    const { platform, key } = this.filter;
    return (
      (key !== undefined && !isConnectionKey(key)) ||
      (platform !== undefined && !isText(platform, 256))
    );
  }

  /** Whether a row has the key of the filter. */
  matchesKey({ key }: ConnectionRow): boolean {
    return key === this.filter.key;
  }

  /** Whether a row belongs to the owner and meets the filter, whatever Pica was asked for. */
  matches(row: ConnectionRow): boolean {
    const { platform, key, tags = [] } = this.filter;
    const { tags: ownTags } = row;
    return (
      belongsTo(row, this.owner) &&
      (platform === undefined || row.platform === platform) &&
      (key === undefined || row.key === key) &&
      tags.every((tag) => Array.isArray(ownTags) && ownTags.includes(tag)) &&
      (this.active === 'any' || (row.active ?? true) === this.active)
    );
  }

  /**
   * The lists that have to be read: one, or for a vendor that lists active
   * connections alone unless it is told otherwise, both of its lists.
   */
  parameters({
    hasActiveFilter,
    byIdentity,
  }: {
    hasActiveFilter: boolean;
    byIdentity: boolean;
  }): Record<string, string>[] {
    const { identity, identityType = 'user' } = this.owner;
    const { platform, key, tags = [] } = this.filter;
    const all: Record<string, string | undefined> = {
      identity: byIdentity ? identity : undefined,
      // Rows without a type count as a user's, so a user's are not asked for by type.
      identityType:
        byIdentity && identityType !== 'user' ? identityType : undefined,
      platform,
      key,
      // Whether the service means all or any of several tags is unknown.
      tags: tags[0],
    };
    const sent = Object.fromEntries(
      Object.entries(all).filter(
        (entry): entry is [string, string] =>
          entry[1] !== undefined && isSendable(entry[1]),
      ),
    );
    if (!hasActiveFilter) return [sent];
    const states = this.active === 'any' ? [true, false] : [this.active];
    return states.map((active) => ({ ...sent, active: String(active) }));
  }
}

/** Upstream reads a value with a comma as a list. */
function isSendable(value: string): boolean {
  return !value.includes(',');
}

/** @throws {AuthKitException} `invalid_argument` */
export function parsePageOptions({
  page = 1,
  limit = DEFAULT_LIMIT,
}: {
  page?: unknown;
  limit?: unknown;
}): { page: number; limit: number } {
  if (!Number.isSafeInteger(page) || (page as number) < 1) {
    throw invalidArgument('page', 'a whole number from 1 on', page);
  }
  if (
    !Number.isSafeInteger(limit) ||
    (limit as number) < 1 ||
    (limit as number) > MAX_PAGE_SIZE
  ) {
    throw invalidArgument(
      'limit',
      `a whole number from 1 to ${MAX_PAGE_SIZE}`,
      limit,
    );
  }
  return { page: page as number, limit: limit as number };
}
