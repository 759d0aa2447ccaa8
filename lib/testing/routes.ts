import { CONNECTION_ROUTES, detailsError } from './connection-routes.js';
import { IDENTITY_TYPES, type Tenant } from './connections.js';
import { fieldsOf } from './emulator-request.js';
import type { EmulatorResponse } from './emulator-response.js';
import { ACTION_ROUTES } from './platforms/action-routes.js';
import { integrationList, toConnector, uuid } from './integrations.js';
import {
  matchesPath,
  PAGED_LISTS,
  pageResponse,
  refuse,
  type Call,
  type Route,
} from './route.js';
import type { TokenSession } from './service.js';
import type { VendorProfile } from './vendor-profiles.js';

/** The vendor's response to a request, without any fault. */
export function handleRequest(call: Call): EmulatorResponse {
  const { service, request, tooLarge } = call;
  const { profile } = service;
  const found = routesOf(profile).filter(({ path }) =>
    matchesPath(path, request.path),
  );
  if (found.length === 0) return refuse(call, 404);
  const route = found.find(({ method }) => method === request.method);
  if (!route) {
    const allow = found.map(({ method }) => method).join(', ');
    return { ...refuse(call, 405), headers: { allow } };
  }
  const account = service.findAccount(request.headers[profile.secretHeader]);
  if (!account) return refuseKey(call);
  if (tooLarge) return refuse(call, 413);
  return route.handle({ ...call, account, tenant: tenantOf(call) });
}

function refuseKey(call: Call): EmulatorResponse {
  const { secretHeader } = call.service.profile;
  const problem = call.request.headers[secretHeader]
    ? `${secretHeader} has another key`
    : `${secretHeader} is missing`;
  return { ...refuse(call, 401), problem };
}

/** The organization and project that the headers of a request select. */
export function tenantOf({ service, request: { headers } }: Call): Tenant {
  const { tenantHeaders } = service.profile;
  if (!tenantHeaders) return {};
  const value = (name: string) => headers[name] as string | undefined;
  return {
    organizationId: value(tenantHeaders.organizationId),
    projectId: value(tenantHeaders.projectId),
  };
}

/** The routes of each vendor, made once. */
const routes = new Map<VendorProfile, readonly Route[]>();

function routesOf(profile: VendorProfile): readonly Route[] {
  const known = routes.get(profile);
  if (known) return known;
  const { flagsPath, whoamiPath } = profile;
  const created = [
    ...(flagsPath ? [flagsRoute(flagsPath)] : []),
    ...(whoamiPath ? [whoamiRoute(whoamiPath)] : []),
    tokenRoute(profile),
    connectors,
    ...CONNECTION_ROUTES,
    ...ACTION_ROUTES,
  ];
  routes.set(profile, created);
  return created;
}

const flagsRoute = (path: string): Route => ({
  method: 'GET',
  path,
  handle: ({ service }) => ({
    status: 200,
    body: {
      accessList: [],
      authkitWhitelist: service.whiteLabel,
      earlyAccess: [],
      completedQuickstart: true,
    },
  }),
});

const whoamiRoute = (path: string): Route => ({
  method: 'GET',
  path,
  handle: () => ({
    status: 200,
    body: {
      user: { id: uuid('a', 1), name: 'Ada', email: 'ada@example.com' },
      organization: { id: uuid('a', 2), name: 'Example Inc.' },
      project: { id: uuid('a', 3), name: 'Sandbox' },
    },
  }),
});

/** With `authkit=true` the integrations on offer, else all products. */
const connectors: Route = {
  method: 'GET',
  path: PAGED_LISTS.connectors,
  handle(call) {
    const { account, request } = call;
    const { total, rows } =
      request.query.authkit === 'true'
        ? account.integrations
        : integrationList(247, account.environment);
    return pageResponse(call, total, (start, end) =>
      JSON.stringify(rows(start, end).map(toConnector)),
    );
  },
};

/** A page of integrations, with a request id for the identity. */
function tokenRoute({ tokenPath, flagsPath }: VendorProfile): Route {
  return {
    method: 'POST',
    path: tokenPath,
    handle(call) {
      const { service, account, tenant, request } = call;
      const fields = fieldsOf(request.body);
      if (!fields) return refuse(call, 400, 'The body has to be a JSON object');
      const error = tokenBodyError(fields);
      if (error) return refuse(call, 422, error);
      const { total, rowsJson } = account.integrations;
      return pageResponse(call, total, rowsJson, () => {
        const requestId = service.nextRequestId(request);
        const details = { ...detailsOf(fields), ...tenant };
        service.sessions.set(requestId, { account, details });
        const { whiteLabel: isWhiteLabel } = service;
        return flagsPath ? { requestId } : { requestId, isWhiteLabel };
      });
    },
  };
}

/** The characters of what a session keeps; the limit of the service is not documented. */
const MAX_DETAILS = 4096;

function tokenBodyError(fields: Record<string, unknown>): string | undefined {
  for (const name of ['identity', 'identityType', 'group', 'label']) {
    const value = fields[name] ?? '';
    if (typeof value !== 'string') return `${name} has to be a string`;
  }
  if (JSON.stringify(detailsOf(fields)).length > MAX_DETAILS) {
    return `identity, name and tags have to have less than ${MAX_DETAILS} characters`;
  }
  const types: readonly unknown[] = [...IDENTITY_TYPES, undefined, null];
  return types.includes(fields.identityType)
    ? detailsError(fields)
    : `identityType has to be one of ${IDENTITY_TYPES.join(', ')}`;
}

/** `group` is the deprecated name of `identity`. */
function detailsOf(
  fields: TokenSession['details'] & { group?: string },
): TokenSession['details'] {
  const { identity, group, identityType, name, tags } = fields;
  return {
    identity: identity || group,
    identityType,
    name: name || undefined,
    tags: tags ?? undefined,
  };
}
