import type { Account, TokenSession } from './account.js';
import { CONNECTION_ROUTES, detailsError } from './connection-routes.js';
import { IDENTITY_TYPES } from './connections.js';
import { fieldsOf } from './emulator-request.js';
import type { EmulatorResponse } from './emulator-response.js';
import { integrationList, toConnector, uuid } from './integrations.js';
import {
  matchesPath,
  PAGED_LISTS,
  pageResponse,
  refuse,
  type Call,
  type Route,
} from './route.js';
import type { AuthKitVendor } from '../vendors/index.js';

/** The vendor's response to a request, without any fault. */
export function handleRequest(call: Call): EmulatorResponse {
  const { account, request, tooLarge } = call;
  const found = ROUTES[account.vendor].filter(({ path }) =>
    matchesPath(path, request.path),
  );
  if (found.length === 0) return refuse(call, 404);
  const route = found.find(({ method }) => method === request.method);
  if (!route) {
    const allow = found.map(({ method }) => method).join(', ');
    return { ...refuse(call, 405), headers: { allow } };
  }
  const key = request.headers[SECRET_HEADERS[account.vendor]];
  if (key !== account.secretKey) return refuse(call, 401);
  if (tooLarge) return refuse(call, 413);
  return route.handle(call);
}

const flags: Route = {
  method: 'GET',
  path: '/v1/users/flags',
  handle: ({ account }) => ({
    status: 200,
    body: {
      accessList: [],
      authkitWhitelist: account.whiteLabel,
      earlyAccess: [],
      completedQuickstart: true,
    },
  }),
};

const whoami: Route = {
  method: 'GET',
  path: '/v1/users/whoami',
  handle: () => ({
    status: 200,
    body: {
      user: { id: uuid('a', 1), name: 'Ada', email: 'ada@example.com' },
      organization: { id: uuid('a', 2), name: 'Example Inc.' },
      project: { id: uuid('a', 3), name: 'Sandbox' },
    },
  }),
};

/** With `authkit=true` the integrations on offer, else all products. */
const connectors: Route = {
  method: 'GET',
  path: PAGED_LISTS.connectors,
  handle(call) {
    const { account, request } = call;
    const { total, rows } =
      request.query.authkit === 'true'
        ? account.integrations
        : integrationList(247);
    return pageResponse(call, total, (start, end) =>
      JSON.stringify(rows(start, end).map(toConnector)),
    );
  },
};

/** A page of integrations, with a request id for the identity. */
function tokenRoute(
  path: string,
  extra: (account: Account) => object = () => ({}),
): Route {
  return {
    method: 'POST',
    path,
    handle(call) {
      const { account, request } = call;
      const fields = fieldsOf(request.body);
      if (!fields) return refuse(call, 400, 'The body has to be a JSON object');
      const error = tokenBodyError(fields);
      if (error) return refuse(call, 422, error);
      const { total, rowsJson } = account.integrations;
      return pageResponse(call, total, rowsJson, () => {
        const requestId = account.nextRequestId(request);
        account.sessions.set(requestId, sessionOf(fields));
        return { requestId, ...extra(account) };
      });
    },
  };
}

function tokenBodyError(fields: Record<string, unknown>): string | undefined {
  for (const name of ['identity', 'identityType', 'group', 'label']) {
    const value = fields[name] ?? '';
    if (typeof value !== 'string') return `${name} has to be a string`;
  }
  const types: readonly unknown[] = [...IDENTITY_TYPES, undefined, null];
  return types.includes(fields.identityType)
    ? detailsError(fields)
    : `identityType has to be one of ${IDENTITY_TYPES.join(', ')}`;
}

/** `group` is the deprecated name of `identity`. */
function sessionOf(fields: TokenSession & { group?: string }): TokenSession {
  const { identity, group, identityType, name, tags } = fields;
  return {
    identity: identity || group,
    identityType,
    name: name || undefined,
    tags,
  };
}

/**
 * The routes of each vendor. They repeat what the client knows, on purpose: a
 * mistake there has to fail the tests.
 */
const ROUTES: Readonly<Record<AuthKitVendor, readonly Route[]>> = {
  pica: [flags, tokenRoute('/v1/authkit'), connectors, ...CONNECTION_ROUTES],
  one: [
    whoami,
    tokenRoute('/v1/authkit/token', ({ whiteLabel }) => ({
      isWhiteLabel: whiteLabel,
    })),
    connectors,
    ...CONNECTION_ROUTES,
  ],
};

/** The header with the secret key. */
const SECRET_HEADERS: Readonly<Record<AuthKitVendor, string>> = {
  pica: 'x-pica-secret',
  one: 'x-one-secret',
};
