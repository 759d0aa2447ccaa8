import { IDENTITY_TYPES } from '../authkit.types.js';
import type { Account } from './account.js';
import type { Owner } from './connections/connection.js';
import { MAX_LIMIT, pageOf } from './paging.js';
import type { Call, Route } from './route.js';
import { vendorError } from './vendor-errors.js';

/** One page of the integrations, with a request id for the identity. */
export function tokenRoute(
  path: string,
  extra: (account: Account) => object = () => ({}),
): Route {
  return {
    method: 'POST',
    path,
    answer(call) {
      const { account, request } = call;
      const refused = checkBody(call);
      if (refused) return refused;
      const asked = pageOf(request.query);
      if (!asked) {
        return refuse(call, 400, 'limit and page have to be positive integers');
      }

      const { catalogue } = account;
      const { page } = asked;
      const size = Math.min(asked.limit, MAX_LIMIT);
      const requestId = account.requestId(request);
      account.sessions.remember(requestId, ownerIn(request.body));
      const start = (page - 1) * size;
      return {
        status: 200,
        body: {
          rows: catalogue.rows(start, start + size),
          total: catalogue.total,
          pages: Math.ceil(catalogue.total / size),
          page,
          requestId,
          ...extra(account),
        },
      };
    },
  };
}

function checkBody(call: Call) {
  const { body } = call.request;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refuse(call, 400, 'The body has to be a JSON object');
  }
  const fields = body as Record<string, unknown>;
  for (const name of ['identity', 'identityType', 'group', 'label']) {
    const value = fields[name] ?? '';
    if (typeof value === 'string') continue;
    return refuse(call, 422, `${name} has to be a string`);
  }
  const types: readonly unknown[] = [...IDENTITY_TYPES, undefined, null];
  if (types.includes(fields.identityType)) return undefined;
  return refuse(
    call,
    422,
    `identityType has to be one of ${IDENTITY_TYPES.join(', ')}`,
  );
}

function refuse({ correlationId }: Call, status: number, message: string) {
  return vendorError(status, correlationId, message);
}

/** The owner that a checked body names, by the deprecated name too. */
function ownerIn(body: unknown): Owner {
  const { identity, group, identityType } = body as Owner & { group?: string };
  return {
    identity: (identity || group) ?? undefined,
    identityType: identityType ?? undefined,
  };
}
