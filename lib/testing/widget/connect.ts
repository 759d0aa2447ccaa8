import type { Account } from '../account.js';
import type { Answer } from '../answer.js';
import { usesOAuth } from '../connections/connection.js';
import type { EmulatorRequest } from '../emulator-request.js';

/** The API key that every platform refuses, to see what happens then. */
const REFUSED_KEY = 'invalid';

/** What the widget posts once its user has agreed. */
interface Consent {
  requestId: unknown;
  integration: unknown;
  name?: unknown;
  apiKey?: unknown;
}

/** Makes the connection that the widget's user has agreed to. The key is looked at and forgotten. */
export function connect(account: Account, request: EmulatorRequest): Answer {
  // A page of another origin can send JSON only after a preflight, which nobody here allows.
  const isJson = /^application\/json\b/.test(
    request.headers['content-type'] ?? '',
  );
  const consent = request.body as Partial<Consent> | undefined;
  if (!isJson || typeof consent !== 'object' || consent === null) {
    return refuse(400, 'The consent has to be a JSON object');
  }

  const owner = account.sessions.ownerOf(consent.requestId);
  if (!owner) {
    return refuse(
      409,
      'This session is over: its token is not known any more.',
    );
  }
  const integration = account.catalogue
    .rows()
    .find(({ id }) => String(id) === String(consent.integration));
  if (!integration) return refuse(404, 'There is no such integration.');

  const title = integration.title ?? integration.id;
  const { apiKey, name } = consent;
  if (!usesOAuth(integration) && (!apiKey || apiKey === REFUSED_KEY)) {
    return refuse(422, `${title} does not accept this API key.`);
  }
  const given = typeof name === 'string' ? name.trim() : undefined;
  return { status: 201, body: account.connect(integration, owner, given) };
}

function refuse(status: number, message: string): Answer {
  return { status, body: { message } };
}
