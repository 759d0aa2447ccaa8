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

/** What `@withone/auth` puts between the state and the address of the app's page. */
const SEPARATOR = '~';

/** Starts an authorization: the address of the platform's page, and its state. */
export function startAuthorization(
  service: Service,
  request: EmulatorRequest,
): EmulatorResponse {
  const consent = readConsent(service, request);
  if ('status' in consent) return consent;
  const { account, integration, details, fields } = consent;
  const { app } = fields;
  const state = randomUUID();
  service.authorizations.set(state, {
    account,
    integration,
    details,
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
  const [state = '', page] = (query.state ?? '').split(SEPARATOR);
  const authorization = find(service, state);
  if (authorization) authorization.outcome ??= decide(authorization, query);
  const returnTo = page === undefined ? undefined : parseAddress(page);
  if (!returnTo) return closingPage();

  returnTo.searchParams.delete('one_auth_state');
  returnTo.searchParams.delete('one_auth_error');
  const { outcome } = authorization ?? {};
  // That a denial has both is inferred: the package reads the error alone where there is no state to check.
  if (authorization) returnTo.searchParams.set('one_auth_state', state);
  if (!outcome || 'error' in outcome) {
    const error = outcome?.error ?? 'This request for access is over.';
    returnTo.searchParams.set('one_auth_error', error);
  }
  return {
    status: 302,
    headers: { location: returnTo.href },
    body: undefined,
  };
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
): Authorization['outcome'] {
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

function closingPage(): EmulatorResponse {
  return {
    status: 200,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: WIDGET_FILES['close-window.html'],
  };
}
