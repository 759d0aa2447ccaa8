import { AuthKitException, invalidArgument } from '../authkit.exception.js';
import { assertTags } from '../core/app-functions.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import { isText } from '../options/connection-label.js';
import { isRecord } from '../pica/json-checks.js';
import type { ConnectionRow } from '../pica/pica-api.js';
import { MAX_PAGE_SIZE } from '../vendors/index.js';
import { belongsTo } from './connection.js';

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

/** The conditions of most methods. */
export const CONDITIONS = ['platform', 'key', 'tags', 'active'];

/** The default of `limit`, which is that of the service. */
const DEFAULT_LIMIT = 20;

/** Whether a string can be the key of a connection. Anything else finds nothing. */
export function isConnectionKey(key: string): boolean {
  return isText(key, 1_024);
}

/**
 * Validates a filter. A filter never widens by mistake: a condition that is
 * `undefined`, or misspelt, would match everything.
 *
 * @param conditions the names of the conditions that the method has
 * @param settings the names of what may stand beside them, also `undefined`
 * @throws {AuthKitException} `invalid_argument`
 */
export function parseFilter(
  filter: unknown,
  conditions: readonly string[],
  settings: readonly string[] = ['signal'],
): AuthKitConnectionFilter {
  if (!isRecord(filter)) throw invalidArgument('filter', 'an object', filter);
  for (const [name, value] of Object.entries(filter)) {
    if (settings.includes(name)) continue;
    const shown = JSON.stringify(name.slice(0, 100));
    if (!conditions.includes(name)) {
      throw new AuthKitException('invalid_argument', {
        message: `The filter has no condition ${shown}: it takes ${conditions.join(', ')}.`,
      });
    }
    if (value === undefined) {
      throw new AuthKitException('invalid_argument', {
        message: `The condition ${shown} is undefined: leave it out, or pass a value.`,
      });
    }
  }
  const { platform, key, tags, active, dryRun } = filter;
  for (const [name, value] of Object.entries({ platform, key })) {
    if (value !== undefined && typeof value !== 'string') {
      throw invalidArgument(name, 'a string', value);
    }
  }
  if (tags !== undefined) assertTags(tags);
  if (![true, false, 'any', undefined].includes(active as boolean)) {
    throw invalidArgument('active', "true, false or 'any'", active);
  }
  if (dryRun !== undefined && typeof dryRun !== 'boolean') {
    throw invalidArgument('dryRun', 'true or false', dryRun);
  }
  return { platform, key, tags, active } as AuthKitConnectionFilter;
}

/** A validated filter, and what of it can be sent to Pica. */
export class ConnectionQuery {
  /** @param owner `undefined` for the connections of all owners */
  constructor(
    readonly owner: AuthKitIdentity | undefined,
    private readonly filter: AuthKitConnectionFilter,
  ) {}

  /** Whether no connection can meet the filter. */
  get isImpossible(): boolean {
    const { platform, key } = this.filter;
    return (
      (key !== undefined && !isConnectionKey(key)) ||
      (platform !== undefined && !isText(platform, 256))
    );
  }

  /** Whether more connections have to be read than those that match, since the identity or the key cannot be sent. */
  get hasComma(): boolean {
    return ![this.owner?.identity, this.filter.key].every(isSendable);
  }

  /** Whether a row belongs to the owner and meets the filter, whatever the request asked for. */
  matches(row: ConnectionRow): boolean {
    const { platform, key, tags = [], active = 'any' } = this.filter;
    const { tags: ownTags } = row;
    return (
      (this.owner === undefined || belongsTo(row, this.owner)) &&
      (platform === undefined || row.platform === platform) &&
      (key === undefined || row.key === key) &&
      tags.every((tag) => Array.isArray(ownTags) && ownTags.includes(tag)) &&
      (active === 'any' || (row.active ?? true) === active)
    );
  }

  /**
   * The lists that have to be read: one, or for a vendor that lists active
   * connections alone unless it is told otherwise, both of its lists, the active
   * connections first.
   */
  lists(hasActiveFilter: boolean): Record<string, string>[] {
    const { identity, identityType = 'user' } = this.owner ?? {};
    const { platform, key, tags = [], active = 'any' } = this.filter;
    const conditions = {
      identity,
      // Rows without a type count as a user's, so a user's are not requested by type.
      identityType: identityType === 'user' ? undefined : identityType,
      platform,
      key,
      // Whether the service means all or any of several tags is unknown.
      tags: tags[0],
    };
    const sent: Record<string, string> = {};
    for (const [name, value] of Object.entries(conditions)) {
      if (value !== undefined && isSendable(value)) sent[name] = value;
    }
    if (!hasActiveFilter) return [sent];
    const states = active === 'any' ? [true, false] : [active];
    return states.map((state) => ({ ...sent, active: String(state) }));
  }
}

/** Upstream takes a value with a comma for a list. */
export function isSendable(value: string | undefined): boolean {
  return !value?.includes(',');
}

/** @throws {AuthKitException} `invalid_argument` */
export function parsePageOptions({
  page = 1,
  limit = DEFAULT_LIMIT,
}: {
  page?: number;
  limit?: number;
}): { page: number; limit: number } {
  if (!Number.isSafeInteger(page) || page < 1) {
    throw invalidArgument('page', 'a whole number from 1 on', page);
  }
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_PAGE_SIZE) {
    const expected = `a whole number from 1 to ${MAX_PAGE_SIZE}`;
    throw invalidArgument('limit', expected, limit);
  }
  return { page, limit };
}
