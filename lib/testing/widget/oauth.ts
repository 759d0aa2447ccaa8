import { randomUUID } from 'node:crypto';
import type { EmulatorRequest } from '../emulator-request.js';
import type { EmulatorResponse } from '../emulator-response.js';
import type { Authorization, Service } from '../service.js';
import { readConsent, refuse } from './consent.js';
import { WIDGET_FILES } from './widget-files.generated.js';

/**
 * One's OAuth: the user agrees on the platform's own page, in the window of the
 * app (`authWindow: 'same'`) or in one of its own (`'popup'`). The messages and
 * the parameters of the app's page are those of `@withone/auth`. The paths
 * below `/widget/` and the bodies are the emulator's own.
 */

/** Where One's widget asks for the outcome. */
export const CHECK_PATH = '/v1/connections/oauth/check';

/**
 * What `@withone/auth` puts between the parts of the state: `<state>~<base64url
 * of the address of the app's page>`, and from 1.3 on `~v3` behind it.
 */
const SEPARATOR = '~';

/** Starts an authorization: the address of the platform's page, and its state. */
export function startAuthorization(
  service: Service,
  request: EmulatorRequest,
): EmulatorResponse {
  const consent = readConsent(service, request);
  if ('status' in consent) return consent;
  const { account, integration, details, fields } = consent;
  const { app, pageOrigin } = fields;
  const state = randomUUID();
  service.authorizations.set(state, {
    account,
    integration,
    details,
    pageOrigin: typeof pageOrigin === 'string' ? pageOrigin : undefined,
    app: typeof app === 'string' && app ? app : 'This app',
  });
  const path = `/widget/authorize?response_type=code&state=${state}`;
  return { status: 201, body: { path, state } };
}

/** What the platform's page shows. */
export function describeAuthorization(
  service: Service,
  { query }: EmulatorRequest,
): EmulatorResponse {
  const found = find(service, query.state);
  if (!found) return refuse(404, 'This request for access is over.');
  const { integration, app } = found;
  return { status: 200, body: { row: integration, app } };
}

/**
 * The address to which the platform sends the user back, with `code` or
 * `error`. It sends the user on to the app's page, or closes the window.
 */
export function handleCallback(
  service: Service,
  { query }: EmulatorRequest,
): EmulatorResponse {
  const [state, page = '', version] = (query.state ?? '').split(SEPARATOR);
  const authorization = find(service, state);
  if (!authorization) return staticPage(404, 'request-over.html');

  const outcome = (authorization.outcome ??= decide(authorization, query));
  const returnTo = parseAddress(page);
  // To no page but that which has opened the widget.
  if (!returnTo || returnTo.origin !== authorization.pageOrigin) {
    return staticPage(200, 'close-window.html');
  }
  const { searchParams } = returnTo;
  searchParams.delete('one_auth_state');
  searchParams.delete('one_auth_error');
  // From 1.3 on the page has the state in its sessionStorage, and asks for the outcome.
  if (version !== 'v3') {
    searchParams.set('one_auth_state', state!);
    // That a denial has both is inferred.
    if ('error' in outcome) searchParams.set('one_auth_error', outcome.error);
  }
  const headers = { location: returnTo.href };
  return { status: 302, headers, body: undefined };
}

/** The outcome of an authorization. The form of the body is inferred. */
export function checkAuthorization(
  service: Service,
  { query }: EmulatorRequest,
): EmulatorResponse {
  const authorization = find(service, query.state);
  if (!authorization) return refuse(404, 'This request for access is over.');
  const { outcome } = authorization;
  if (!outcome) return { status: 200, body: { status: 'pending' } };
  return 'error' in outcome
    ? { status: 200, body: { status: 'failed', message: outcome.error } }
    : { status: 200, body: { status: 'success', connection: outcome } };
}

/** @param state with or without the address of the app's page */
function find(service: Service, state = ''): Authorization | undefined {
  return service.authorizations.get(state.split(SEPARATOR)[0]);
}

function decide(
  { account, integration, details }: Authorization,
  { code }: EmulatorRequest['query'],
): NonNullable<Authorization['outcome']> {
  return code
    ? account.connections.add(integration, details)
    : { error: `Access to ${integration.title ?? integration.id} was denied.` };
}

/** The address of the app's page; `undefined` for anything but `http:` and `https:`. */
function parseAddress(base64url: string): URL | undefined {
  const address = Buffer.from(base64url, 'base64url').toString('latin1');
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  return /^https?:$/.test(url.protocol) ? url : undefined;
}

function staticPage(status: number, name: string): EmulatorResponse {
  const headers = { 'content-type': 'text/html; charset=utf-8' };
  return { status, headers, body: WIDGET_FILES[name] };
}
