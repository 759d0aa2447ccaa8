import type { EmulatorRequest } from '../emulator-request.js';
import type { EmulatorResponse } from '../emulator-response.js';
import type { Service } from '../service.js';
import { createConnection } from './consent.js';
import {
  CHECK_PATH,
  checkAuthorization,
  describeAuthorization,
  handleCallback,
  startAuthorization,
} from './oauth.js';
import { WIDGET_FILES } from './widget-files.generated.js';

const FOLDER = '/widget/';

/** Whether a request is for the widget's site, which the real service has on another host than its API, or by the widget's page. */
export function isWidgetRequest(
  { profile }: Service,
  { method, path }: EmulatorRequest,
): boolean {
  return (
    (path === '/' && method === 'GET') ||
    path.startsWith(FOLDER) ||
    (path === CHECK_PATH && profile.widget.leavesFrame)
  );
}

type Handler = (service: Service, request: EmulatorRequest) => EmulatorResponse;

/** What the pages of both vendors request beside files. */
const HANDLERS: Readonly<Record<string, Handler>> = {
  [`POST ${FOLDER}connections`]: createConnection,
};

/** What the pages request where the user consents on the platform's own page. */
const OAUTH_HANDLERS: Readonly<Record<string, Handler>> = {
  [`POST ${FOLDER}oauth`]: startAuthorization,
  [`GET ${FOLDER}oauth`]: describeAuthorization,
  [`GET ${FOLDER}callback`]: handleCallback,
  [`GET ${CHECK_PATH}`]: checkAuthorization,
  [`GET ${FOLDER}authorize`]: platformPage,
};

/** The response of the widget's site. */
export function handleWidgetRequest(
  service: Service,
  request: EmulatorRequest,
): EmulatorResponse {
  const { method, path } = request;
  const name = `${method} ${path}`;
  const handler =
    HANDLERS[name] ??
    (service.profile.widget.leavesFrame ? OAUTH_HANDLERS[name] : undefined);
  const response =
    handler?.(service, request) ??
    (method === 'GET' ? fileResponse(service, path) : undefined);
  return withSecurityHeaders(
    response ?? { status: 404, body: { message: 'Not found' } },
  );
}

/** The page of a platform. Like the real ones, it refuses to be in a frame. */
function platformPage(service: Service): EmulatorResponse {
  const page = fileResponse(service, `${FOLDER}authorize.html`)!;
  const policy = `${CONTENT_SECURITY_POLICY}; frame-ancestors 'none'`;
  return {
    ...page,
    headers: { ...page.headers, 'content-security-policy': policy },
  };
}

function fileResponse(
  { profile }: Service,
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
    body: content.replace('{{profile}}', escapeAttribute(profile.widget)),
  };
}

function escapeAttribute(value: object): string {
  return JSON.stringify(value).replaceAll('"', '&quot;');
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
      'content-security-policy': CONTENT_SECURITY_POLICY,
      ...response.headers,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    },
  };
}
