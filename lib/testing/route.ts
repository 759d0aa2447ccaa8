import type { Account } from './account.js';
import type { Tenant } from './connections.js';
import type { EmulatorRequest } from './emulator-request.js';
import { errorResponse, type EmulatorResponse } from './emulator-response.js';
import type { Service } from './service.js';

/** A request with all that a route needs to handle it. */
export interface Call {
  readonly service: Service;
  readonly request: EmulatorRequest;
  readonly correlationId: string;
  /** Whether the body is larger than the service accepts. */
  readonly tooLarge: boolean;
}

/** A call whose secret key has been accepted. */
export interface AccountCall extends Call {
  readonly account: Account;
  readonly tenant: Tenant;
}

export interface Route {
  readonly method: string;
  /** The whole path, or a pattern for it. */
  readonly path: string | RegExp;
  handle(call: AccountCall): EmulatorResponse;
}

/** A string is the whole path. A pattern matches any part of it, whatever its `lastIndex` is. */
export function matchesPath(pattern: string | RegExp, path: string): boolean {
  return typeof pattern === 'string'
    ? pattern === path
    : path.search(pattern) >= 0;
}

export function refuse(
  { correlationId }: Call,
  status: number,
  message?: string,
): EmulatorResponse {
  return errorResponse(status, correlationId, message);
}

/** The lists that come in pages, for both vendors. */
export const PAGED_LISTS = {
  connections: '/v1/vault/connections',
  connectors: '/v1/available-connectors',
} as const;

export function isPagedList({ method, path }: EmulatorRequest): boolean {
  const isList =
    Object.values<string>(PAGED_LISTS).includes(path) ||
    /^\/v1\/available-actions\/[^/]+$/.test(path);
  return method === 'GET' && isList;
}

const DEFAULT_LIMIT = 20;
/** A larger limit is silently clamped. */
const MAX_LIMIT = 150;

/**
 * Responds with the page that the query selects.
 *
 * @param rowsJson returns the list of rows from `start` up to, not including, `end`, in JSON
 */
export function pageResponse(
  call: Call,
  total: number,
  rowsJson: (start: number, end: number) => string,
  extra: () => object = () => ({}),
): EmulatorResponse {
  const { query } = call.request;
  const page = parseInteger(query.page, 1, 1);
  const limit = parseInteger(query.limit, DEFAULT_LIMIT, 0);
  const skip = parseInteger(query.skip, 0, 0);
  if (page === undefined || limit === undefined || skip === undefined) {
    return refuse(
      call,
      400,
      'limit and skip have to be whole numbers, page one from 1',
    );
  }
  const size = Math.min(Math.max(limit, 1), MAX_LIMIT);
  const start = skip + (page - 1) * size;
  const fields = {
    total,
    // That skipped rows count here is inferred.
    pages: Math.ceil(total / size),
    page,
    ...extra(),
  };
  const rows = rowsJson(start, start + size);
  return {
    status: 200,
    body: `{"rows":${rows},${JSON.stringify(fields).slice(1)}`,
  };
}

/** A parameter of the query as an integer; `undefined` for anything else. */
function parseInteger(
  value: string | undefined,
  defaultValue: number,
  min: number,
): number | undefined {
  if (value === undefined) return defaultValue;
  const number = /^\d{1,15}$/.test(value) ? Number(value) : -1;
  return number >= min ? number : undefined;
}
