import { types } from 'node:util';
import type { EmulatorConnection } from '../connections.js';
import {
  errorResponse,
  isStream,
  type EmulatorResponse,
} from '../emulator-response.js';
import {
  fieldsOf,
  parseBody,
  type EmulatorRequest,
} from '../emulator-request.js';
import type { Exchange } from '../exchange.js';
import type { RequestLog } from '../request-log.js';
import { refuse, type Call } from '../route.js';
import { tenantOf } from '../routes.js';
import type { EmulatorPlatformResponse, PlatformAction } from './action.js';
import { CallBody } from './call-body.js';
import { paramsOf } from './platforms.js';

const PREFIX = '/v1/passthrough';

export function isPassthrough({ path }: EmulatorRequest): boolean {
  return path.startsWith(`${PREFIX}/`);
}

/** The response to a call to a platform: the platform's, or the service's own error. */
export async function callPlatform(
  call: Call,
  exchange: Exchange,
  log: RequestLog,
): Promise<EmulatorResponse> {
  const checked = check(call);
  if ('status' in checked) return checked;
  const { action, connection, params } = checked;
  const { request } = call;

  const body = await CallBody.open(exchange.incoming);
  const logBody = () => {
    const text = body.logged;
    log.keepBody(request, parseBody({ text, tooLarge: false }), text.length);
  };
  logBody();
  if (action.tags.includes('custom')) {
    const { connectionKey } = fieldsOf(request.body) ?? {};
    if (connectionKey !== connection.key) {
      return refuse(call, 400, CUSTOM_ADVICE);
    }
  }
  const url = exchange.incoming.url!;
  const response = await action.handle({
    method: request.method,
    path: request.path.slice(PREFIX.length),
    params,
    query: new URLSearchParams(url.slice(request.path.length)),
    headers: request.headers,
    connection,
    signal: exchange.signal,
    body,
    bytes: () => body.bytes(),
    text: async () => (await body.bytes()).toString(),
    json: async () => JSON.parse((await body.bytes()).toString()),
  });
  if (!body.isWhole) logBody();
  return toResponse(response);
}

const CUSTOM_ADVICE =
  'An action tagged custom needs the connectionKey of the header in its JSON body, of at most 64 kB';

interface Checked {
  readonly action: PlatformAction;
  readonly connection: EmulatorConnection;
  readonly params: Record<string, string>;
}

/** What the service checks before it calls the platform. The order is inferred. */
function check(call: Call): Checked | EmulatorResponse {
  const { service, request } = call;
  const { headers, method } = request;
  const { secretHeader, connectionKeyHeader, actionIdHeader } = service.profile;
  const account = service.findAccount(headers[secretHeader]);
  if (!account) return unauthorized();

  const actionId = headers[actionIdHeader] as string | undefined;
  const key = headers[connectionKeyHeader] as string | undefined;
  if (!actionId) return refuseEarly(call, `${actionIdHeader} is missing`);
  if (!key) return refuseEarly(call, `${connectionKeyHeader} is missing`);
  const environment = /^(test|live)::/.exec(key)?.[1];
  if (environment && environment !== account.environment) {
    const message = `The connection key is of ${environment}, the secret of ${account.environment}`;
    return refuseEarly(call, message);
  }
  const action = service.platforms.find(actionId);
  if (!action) return refuseEarly(call, 'There is no action with this id');

  const connection = account.connections.findUsable(key, tenantOf(call));
  if (!connection) return refuse(call, 404, 'Connection not found');
  const path = request.path.slice(PREFIX.length);
  const params = paramsOf(action, method, path);
  // What the service does about a wrong action is inferred.
  if (action.platform !== connection.platform || !params) {
    const { platform } = action;
    const message = `The action is ${action.method} ${action.path} of ${platform}, the call is ${method} ${path} of ${connection.platform}`;
    return refuseEarly(call, message);
  }
  return { action, connection, params };
}

/** Refused credentials are bare text here. */
export function unauthorized(): EmulatorResponse {
  return {
    status: 401,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: '401 Unauthorized',
  };
}

function refuseEarly({ correlationId }: Call, message: string) {
  const key = 'secret_middleware_error';
  return errorResponse(400, correlationId, message, key);
}

function toResponse({
  status = 200,
  headers,
  body,
}: EmulatorPlatformResponse = {}): EmulatorResponse {
  const type =
    typeof body === 'string'
      ? 'text/plain; charset=utf-8'
      : types.isUint8Array(body) || isStream(body)
        ? 'application/octet-stream'
        : 'application/json';
  const lowerCased = Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [
      name.toLowerCase(),
      value,
    ]),
  );
  return {
    status,
    headers: {
      ...(body !== undefined && { 'content-type': type }),
      ...lowerCased,
    },
    body,
  };
}
