import type { Account } from '../account.js';
import type { EmulatorRequest } from '../emulator-request.js';
import type { EmulatorResponse } from '../emulator-response.js';
import { usesOAuth } from '../integrations.js';
import { WIDGET_FILES } from './widget-files.generated.js';

const FOLDER = '/widget/';

/** The API key that every platform refuses, to show what happens then. */
const REFUSED_API_KEY = 'invalid';

/** Whether a request is for the widget's site, which the real service has on another host than its API. */
export function isWidgetRequest({ method, path }: EmulatorRequest): boolean {
  return (path === '/' && method === 'GET') || path.startsWith(FOLDER);
}

/** The response of the widget's site. */
export function handleWidgetRequest(
  account: Account,
  request: EmulatorRequest,
): EmulatorResponse {
  const { method, path } = request;
  let response: EmulatorResponse | undefined;
  if (method === 'POST' && path === `${FOLDER}connections`) {
    response = createConnection(account, request);
  } else if (method === 'GET') {
    response = fileResponse(account, path);
  }
  return withSecurityHeaders(response ?? refuse(404, 'Not found'));
}

function fileResponse(
  { vendor }: Account,
  path: string,
): EmulatorResponse | undefined {
  const name = path === '/' ? 'index.html' : path.slice(FOLDER.length);
  if (!Object.hasOwn(WIDGET_FILES, name)) return undefined;
  const type = { html: 'html', css: 'css', js: 'javascript' }[
    name.split('.').pop()!
  ];
  const content = WIDGET_FILES[name]!;
  return {
    status: 200,
    headers: { 'content-type': `text/${type}; charset=utf-8` },
    body: content.replace('data-vendor="pica"', `data-vendor="${vendor}"`),
  };
}

/** What the widget posts once its user has agreed. */
interface Consent {
  requestId: unknown;
  integration: unknown;
  name?: unknown;
  apiKey?: unknown;
}

/** Creates the connection that the widget's user has agreed to. The API key is checked and forgotten. */
function createConnection(
  account: Account,
  request: EmulatorRequest,
): EmulatorResponse {
  // A page of another origin can send JSON only after a preflight, which is never granted here.
  const isJson = /^application\/json\b/.test(
    request.headers['content-type'] ?? '',
  );
  const consent = request.body as Partial<Consent> | undefined;
  if (!isJson || typeof consent !== 'object' || consent === null) {
    return refuse(400, 'The consent has to be a JSON object');
  }

  const session = account.sessions.get(consent.requestId);
  if (!session) {
    return refuse(409, 'This session is over: its token is no longer known.');
  }
  const integration = account.integrations
    .rows()
    .find(({ id }) => String(id) === String(consent.integration));
  if (!integration) return refuse(404, 'There is no such integration.');

  const { apiKey, name } = consent;
  if (!usesOAuth(integration) && (!apiKey || apiKey === REFUSED_API_KEY)) {
    const title = integration.title ?? integration.id;
    return refuse(422, `${title} does not accept this API key.`);
  }
  const typed = typeof name === 'string' ? name.trim() : '';
  const connection = account.connections.add(integration, {
    ...session,
    name: typed || session.name,
  });
  return { status: 201, body: connection };
}

function refuse(status: number, message: string): EmulatorResponse {
  return { status, body: { message } };
}

/**
 * Any page may frame the widget, and the widget may call any token endpoint, as
 * the real one. It loads nothing from elsewhere, and its address, which holds
 * the relayed headers, is no referrer.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  'img-src data:',
  'connect-src http: https:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

function withSecurityHeaders(response: EmulatorResponse): EmulatorResponse {
  return {
    ...response,
    headers: {
      ...response.headers,
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    },
  };
}
