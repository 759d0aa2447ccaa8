import {
  refuse,
  pageResponse,
  type AccountCall,
  type Route,
} from '../route.js';
import { toActionRow, type PlatformAction } from './action.js';

const list: Route = {
  method: 'GET',
  path: /^\/v1\/available-actions\/[^/]+$/,
  handle(call) {
    const found = actionsOf(call).filter((action) =>
      meetsFilters(action, call.request.query),
    );
    return pageResponse(call, found.length, (start, end) =>
      JSON.stringify(found.slice(start, end).map(toActionRow)),
    );
  },
};

/** An action is found if its title or path has all words. How the service searches is not documented. */
const search: Route = {
  method: 'GET',
  path: /^\/v1\/available-actions\/search\/[^/]+$/,
  handle(call) {
    const { query = '', limit = '20' } = call.request.query;
    if (!/^\d{1,9}$/.test(limit)) {
      return refuse(call, 400, 'limit has to be a whole number');
    }
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const found = actionsOf(call).filter(({ title, path }) =>
      words.every((word) => `${title} ${path}`.toLowerCase().includes(word)),
    );
    const rows = found.slice(0, Number(limit)).map((action) => {
      const { modelName: _, ...row } = toActionRow(action);
      return {
        ...row,
        knowledge: `# ${row.title}\n\n${row.method} ${row.path}`,
      };
    });
    return { status: 200, body: rows };
  },
};

export const ACTION_ROUTES: readonly Route[] = [list, search];

function actionsOf({ service, request }: AccountCall) {
  return service.platforms.of(
    decodeURIComponent(request.path.split('/').at(-1)!),
  );
}

function meetsFilters(
  action: PlatformAction,
  { method, tags, key }: Record<string, string | undefined>,
): boolean {
  return (
    (method === undefined || action.method === method.toUpperCase()) &&
    (tags === undefined ||
      tags.split(',').some((tag) => action.tags.includes(tag))) &&
    (key === undefined || key === action.key)
  );
}
