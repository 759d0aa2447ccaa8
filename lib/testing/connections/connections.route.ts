import { MAX_LIMIT, pageOf } from '../paging.js';
import type { Route } from '../route.js';
import { vendorError } from '../vendor-errors.js';
import { listed } from './connection.js';

/** The connections of an account, by owner, platform and so on. */
export const connectionsRoute: Route = {
  method: 'GET',
  path: '/v1/vault/connections',
  answer({ account, request, correlationId }) {
    const { query } = request;
    const asked = pageOf(query);
    if (!asked) {
      return vendorError(
        400,
        correlationId,
        'limit and page have to be positive integers',
      );
    }
    const found = account.connections.filter((connection) =>
      matches(query, connection),
    );
    const size = Math.min(asked.limit, MAX_LIMIT);
    const start = (asked.page - 1) * size;
    return {
      status: 200,
      body: {
        rows: found.slice(start, start + size).map(listed),
        total: found.length,
        pages: Math.ceil(found.length / size),
        page: asked.page,
      },
    };
  },
};

/** What may be asked for by its exact value. */
const EXACT = ['identity', 'identityType', 'platform', 'key'] as const;

type Wanted = Readonly<Record<string, string | undefined>>;

function matches(
  wanted: Wanted,
  connection: { [name in (typeof EXACT)[number]]?: string } & {
    active: boolean;
    tags: readonly string[];
  },
): boolean {
  return (
    EXACT.every(
      (name) => (wanted[name] ?? connection[name]) === connection[name],
    ) &&
    (wanted.active ?? `${connection.active}`) === `${connection.active}` &&
    (wanted.tags?.split(',') ?? []).every((tag) =>
      connection.tags.includes(tag),
    )
  );
}
