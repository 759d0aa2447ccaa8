import { areStrings } from './check-argument.js';
import { toRow, type EmulatorConnection } from './connections.js';
import { fieldsOf } from './emulator-request.js';
import type { EmulatorResponse } from './emulator-response.js';
import {
  PAGED_LISTS,
  pageResponse,
  refuse,
  type AccountCall,
  type Route,
} from './route.js';

const ITEM = /^\/v1\/vault\/connections\/[^/]+$/;

const list: Route = {
  method: 'GET',
  path: PAGED_LISTS.connections,
  handle(call) {
    const { service, account, tenant, request } = call;
    const found = service.findConnections(account, tenant, request.query);
    return pageResponse(call, found.length, (start, end) =>
      JSON.stringify(found.slice(start, end).map(toRow)),
    );
  },
};

const retrieve = itemRoute('GET', (_call, connection) => ({
  status: 200,
  body: toRow(connection),
}));

const update = itemRoute('PATCH', (call, { id }) => {
  const fields = fieldsOf(call.request.body);
  if (!fields) return refuse(call, 400, 'The body has to be a JSON object');
  const error = detailsError(fields);
  if (error) return refuse(call, 422, error);
  const { name, tags } = fields as { name?: string; tags?: string[] };
  const updated = call.account.connections.update(id, {
    ...(isGiven(name) && { name: name || null }),
    ...(isGiven(tags) && { tags: Object.freeze([...tags]) }),
  });
  return {
    status: 200,
    body: call.service.profile.patchReturnsRow ? toRow(updated!) : undefined,
  };
});

const remove = itemRoute('DELETE', ({ account }, { id }) => {
  account.connections.delete(id);
  return { status: 200, body: undefined };
});

export const CONNECTION_ROUTES: readonly Route[] = [
  list,
  retrieve,
  update,
  remove,
];

/** A route of one connection. It checks no identity, as the service. */
function itemRoute(
  method: string,
  handle: (
    call: AccountCall,
    connection: EmulatorConnection,
  ) => EmulatorResponse,
): Route {
  return {
    method,
    path: ITEM,
    handle(call) {
      const id = decode(call.request.path.split('/').pop()!);
      const connection = call.account.connections.get(id, call.tenant);
      return connection
        ? handle(call, connection)
        : refuse(call, 404, 'Connection not found');
    },
  };
}

/** What is wrong with the `name` and `tags` of a body. */
export function detailsError({
  name,
  tags,
}: Record<string, unknown>): string | undefined {
  if (isGiven(name) && typeof name !== 'string') {
    return 'name has to be a string';
  }
  return isGiven(tags) && !areStrings(tags)
    ? 'tags has to be a list of strings'
    : undefined;
}

/** Every field may be left out or `null`. */
function isGiven<T>(value: T): value is NonNullable<T> {
  return value !== undefined && value !== null;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
