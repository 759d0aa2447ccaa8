import type { AuthKitIntegration } from '../../authkit.types.js';
import { fieldsOf, type EmulatorRequest } from '../emulator-request.js';
import type { EmulatorResponse } from '../emulator-response.js';
import { usesOAuth } from '../integrations.js';
import type { Service, TokenSession } from '../service.js';

/** The API key that every platform refuses, to show what happens then. */
const REFUSED_API_KEY = 'invalid';

/** What a user of the widget wants to connect. */
export interface Consent extends TokenSession {
  readonly integration: AuthKitIntegration;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Reads what the widget posts: `{ requestId, integration, name? }` and more.
 *
 * @returns an error response where it is not valid
 */
export function readConsent(
  service: Service,
  request: EmulatorRequest,
): Consent | EmulatorResponse {
  // A page of another origin can send JSON only after a preflight, which is never granted here.
  const isJson = /^application\/json\b/.test(
    request.headers['content-type'] ?? '',
  );
  const fields = fieldsOf(request.body);
  if (!isJson || !fields) {
    return refuse(400, 'The consent has to be a JSON object');
  }
  const session = service.sessions.get(fields.requestId);
  if (!session) {
    return refuse(409, 'This session is over: its token is no longer known.');
  }
  const { account } = session;
  const integration = account.integrations
    .rows()
    .find(({ id }) => String(id) === String(fields.integration));
  if (!integration) return refuse(404, 'There is no such integration.');

  const { name } = fields;
  const typed = typeof name === 'string' ? name.trim() : '';
  const details = { ...session.details, name: typed || session.details.name };
  return { account, integration, details, fields };
}

/** Creates the connection that the widget's user has agreed to. The API key is checked and forgotten. */
export function createConnection(
  service: Service,
  request: EmulatorRequest,
): EmulatorResponse {
  const consent = readConsent(service, request);
  if ('status' in consent) return consent;
  const { account, integration, details } = consent;
  const { apiKey } = consent.fields;
  if (!usesOAuth(integration) && (!apiKey || apiKey === REFUSED_API_KEY)) {
    const title = integration.title ?? integration.id;
    return refuse(422, `${title} does not accept this API key.`);
  }
  const connection = account.connections.add(integration, details);
  return { status: 201, body: connection };
}

export function refuse(status: number, message: string): EmulatorResponse {
  return { status, body: { message } };
}
