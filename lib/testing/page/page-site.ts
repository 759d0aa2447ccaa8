import type { EmulatorRequest } from '../emulator-request.js';
import type { EmulatorResponse } from '../emulator-response.js';
import { handleApiRequest, type Controls } from './emulator-api.js';
import { PAGE_FILES } from './page-files.generated.js';

const FOLDER = '/emulator/';

/** Whether a request is for the emulator's own page or API. With `data`, `/` is the widget's. */
export function isPageRequest({
  method,
  path,
  query,
}: EmulatorRequest): boolean {
  const isPage = method === 'GET' && path === '/' && query.data === undefined;
  return isPage || path.startsWith(FOLDER);
}

/** The response of the emulator's page, and of the API that it uses. */
export function handlePageRequest(
  controls: Controls,
  request: EmulatorRequest,
): EmulatorResponse {
  const response = fileResponse(request) ?? handleApiRequest(controls, request);
  return { ...response, headers: { ...response.headers, ...SECURITY_HEADERS } };
}

function fileResponse({
  method,
  path,
}: EmulatorRequest): EmulatorResponse | undefined {
  const name = path === '/' ? 'index.html' : path.slice(FOLDER.length);
  if (method !== 'GET' || !Object.hasOwn(PAGE_FILES, name)) return undefined;
  const type = { html: 'html', css: 'css', js: 'javascript' }[
    name.split('.').pop()!
  ];
  return {
    status: 200,
    headers: { 'content-type': `text/${type}; charset=utf-8` },
    body: PAGE_FILES[name],
  };
}

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};
