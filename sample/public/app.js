// The vendor's package: @picahq/authkit or @withone/auth.
import * as vendor from './authkit.js';

const createWidget = vendor.useAuthKit ?? vendor.useOneAuth;
const settings = await (await fetch('/settings')).json();

/** The signed-in user, { name, … }, or null. The page cannot read the session cookie. */
let user = null;

/** Where One's widget opens the platform: in a window of its own, or with `?authWindow=same` in this one. */
const authWindow =
  new URLSearchParams(location.search).get('authWindow') ?? 'popup';

/** Whether the widget is open. Only one can be. */
let isWidgetOpen = false;

/** Number of the latest change of the list. */
let latestChange = 0;

const $ = (id) => document.getElementById(id);

$('package').textContent = settings.package;
$('connect').addEventListener('click', () => connect());
$('sign-out').addEventListener('click', signOut);
for (const button of document.querySelectorAll('[data-name]')) {
  button.addEventListener('click', () => signIn(button.dataset.name));
}
await setUser((await fetchJson('/auth/session'))?.user ?? null);
document.querySelector('main').inert = false;

async function signIn(name) {
  const session = await fetchJson('/auth/sign-in', withJson('POST', { name }));
  if (session) await setUser(session.user);
}

async function signOut() {
  const session = await fetchJson('/auth/sign-out', { method: 'POST' });
  if (session) await setUser(session.user);
}

async function setUser(newUser) {
  user = newUser;
  $('signed-in').hidden = !user;
  $('signed-out').hidden = Boolean(user);
  $('hint').hidden = Boolean(user);
  $('name').textContent = user?.name ?? '';
  showError();
  showStatus();
  await showConnections();
  await resumeConnect();
}

/**
 * Goes on after One's widget has sent the whole page to a platform, and the
 * platform has sent the user back. The vendor's package looks for these
 * parameters in the address when `useOneAuth()` is called.
 */
async function resumeConnect() {
  const parameters = new URLSearchParams(location.search);
  const isReturn =
    parameters.has('one_auth_state') || parameters.has('one_auth_error');
  if (!isReturn || !user || isWidgetOpen) return;
  const broken = JSON.parse(sessionStorage.getItem('broken'));
  await connect(broken ?? undefined, { isReturn });
}

/**
 * Fetches a grant and opens the widget, which uses the grant to request a token.
 *
 * `broken` is the connection that the user connects again. The widget then
 * opens at its integration.
 */
async function connect(broken, { isReturn = false } = {}) {
  // For `resumeConnect`: with `authWindow: 'same'` this page is left.
  sessionStorage.setItem('broken', JSON.stringify(broken ?? null));
  setWidgetOpen(true);
  showError();
  showStatus();
  // Only this request uses the session. The vendor receives the grant alone.
  const token = await fetchJson('/authkit-token/grant', { method: 'POST' });
  if (!token) {
    setWidgetOpen(false);
    return;
  }

  const widget = createWidget({
    // Default: the vendor's URL. With the emulator, it is the emulator's URL.
    baseUrl: settings.widgetUrl,
    // The unchanged response of the grant route: { url, headers, expiresAt }.
    token,
    companyName: 'Sample Inc.',
    appTheme: matchMedia('(prefers-color-scheme: dark)').matches
      ? 'dark'
      : 'light',
    selectedConnection: broken?.title,
    authWindow,
    onSuccess: (connection) => {
      changeList(async () => {
        const replaced = isSamePlatform(connection, broken)
          ? broken
          : undefined;
        const isConfirmed = await confirmConnection(connection, replaced);
        // The user may connect more before the widget closes.
        if (isConfirmed && replaced) broken = undefined;
      });
      logEvent('onSuccess', connection?.key);
    },
    onError: (message) => {
      logEvent('onError', message);
      showError(message);
    },
    onClose: () => {
      logEvent('onClose');
      setWidgetOpen(false);
      $('connect').focus();
    },
  });
  // On return the package has opened the widget itself, or has nothing to show but an error.
  if (!isReturn) widget.open();
  const frame = $('event-link');
  setWidgetOpen(Boolean(frame));
  // An accessible name for the frame.
  if (frame) frame.title = 'Connect an integration';
}

function setWidgetOpen(isOpen) {
  isWidgetOpen = isOpen;
  for (const button of document.querySelectorAll('#connect, .connect-again')) {
    button.disabled = isOpen;
  }
}

/** The user can leave the integration at which the widget opens, and connect another one. */
function isSamePlatform(connection, broken) {
  return broken !== undefined && connection?.platform === broken.platform;
}

/**
 * Confirms what `onSuccess` was called with. Any frame can forge the message
 * behind it, so the connection does not count before the backend has found it
 * among the user's own.
 */
async function confirmConnection(connection, replaced) {
  if (typeof connection?.key !== 'string') {
    showError('The widget has named no connection.');
    return false;
  }
  const confirmed = await fetchJson(
    '/authkit-connections',
    withJson('POST', { key: connection.key, replaces: replaced?.id }),
    'The connection is not confirmed. ',
  );
  if (!confirmed) return false;
  showError();
  showStatus(`${nameOf(confirmed)} is connected${replaced ? ' again' : ''}.`);
  return true;
}

async function rename(connection) {
  $('new-name').value = connection.name ?? '';
  if (!(await isAgreed($('rename')))) return;
  await changeList(async () => {
    const name = $('new-name').value.trim();
    const renamed = await fetchJson(
      urlOf(connection),
      withJson('PATCH', { name }),
    );
    if (renamed) showStatus(`The name is now ${nameOf(renamed)}.`);
  });
}

async function disconnect(connection) {
  const dialog = $('disconnect');
  setText(dialog, '[data-name-of=connection]', nameOf(connection));
  setText(dialog, '[data-name-of=platform]', platformOf(connection));
  if (!(await isAgreed(dialog))) return;
  await changeList(async () => {
    const isGone = await fetchJson(urlOf(connection), { method: 'DELETE' });
    if (isGone) showStatus(`${nameOf(connection)} is disconnected.`);
  });
}

/** Only with the emulator. */
async function breakConnection(connection) {
  await changeList(() =>
    fetchJson(`/emulator/connections/${connection.id}/break`, {
      method: 'POST',
    }),
  );
}

/** Changes something and shows the list that comes of it. */
async function changeList(change) {
  latestChange += 1;
  $('connections').ariaBusy = 'true';
  showError();
  showStatus();
  await change();
  await showConnections();
}

async function showConnections() {
  const change = ++latestChange;
  $('connections').ariaBusy = 'true';
  const connections = user ? await fetchConnections() : [];
  // A newer request replaces this one, e.g. after another user signs in.
  if (change !== latestChange) return;
  $('connections').ariaBusy = 'false';
  const focused = document.activeElement;
  const hadFocus = $('connections').contains(focused);
  $('connections').replaceChildren(...(connections ?? []).map(createRow));
  $('no-connections').hidden = !connections || connections.length > 0;
  if (hadFocus) ($(focused.id) ?? $('connections-heading')).focus();
}

/** Fetches all pages of the user's connections. */
async function fetchConnections() {
  const connections = [];
  for (let page = 1, pages = 1; page <= pages; page += 1) {
    const found = await fetchJson(
      `/authkit-connections?limit=150&page=${page}`,
    );
    if (!found) return undefined;
    connections.push(...found.rows);
    pages = found.pages;
  }
  return connections;
}

function createRow(connection) {
  const { state = 'unknown', active, createdAt } = connection;
  // As needsReconnect() of the package says it.
  const isBroken = state === 'failed' || active === false;
  const stateLabel = createElement('span', {
    className: 'state',
    textContent: isBroken ? 'does not work any more' : state,
  });
  stateLabel.dataset.state = isBroken ? 'failed' : state;
  const details = createElement('p', { className: 'details' });
  details.append(platformOf(connection), stateLabel);
  // One sends no date.
  if (createdAt) details.append(`since ${formatDate(createdAt)}`);

  const name = createElement('strong', { textContent: nameOf(connection) });
  const text = createElement('div', { className: 'text' });
  text.append(name, details);

  const actions = createElement('div', { className: 'row' });
  const addAction = (label, className, action) => {
    const button = createElement('button', {
      type: 'button',
      id: `${className}-${connection.id}`,
      className: `small ${className}`,
      textContent: label,
      ariaLabel: `${label}: ${nameOf(connection)}`,
    });
    button.addEventListener('click', () => action(connection));
    actions.append(button);
    return button;
  };
  if (isBroken) {
    addAction('Connect again', 'connect-again', connect).disabled =
      isWidgetOpen;
  }
  addAction('Rename', 'rename', rename);
  addAction('Disconnect', 'disconnect', disconnect);
  if (settings.hasEmulator && !isBroken) {
    const button = addAction('Break', 'break', breakConnection);
    button.title = 'Only with the emulator: makes the connection fail.';
  }

  const row = createElement('li', { className: 'connection' });
  row.append(text, actions);
  return row;
}

function nameOf(connection) {
  return connection.name || platformOf(connection);
}

function platformOf({ title, platform }) {
  return title || platform;
}

function urlOf({ id }) {
  return `/authkit-connections/${encodeURIComponent(id)}`;
}

function formatDate(createdAt) {
  return new Date(createdAt).toLocaleString(undefined, {
    dateStyle: 'medium',
    timeStyle: 'short',
  });
}

/** Opens a dialog and returns whether the user agrees. */
function isAgreed(dialog) {
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    const onClose = () => resolve(dialog.returnValue === 'yes');
    dialog.addEventListener('close', onClose, { once: true });
  });
}

/**
 * Returns the parsed response, or `true` for an empty one. Otherwise it shows
 * the error's message and returns `undefined`.
 */
async function fetchJson(url, init, prefix = '') {
  try {
    const response = await fetch(url, init);
    if (response.status === 204) return true;
    const body = await response.json();
    if (response.ok) return body;
    // The session is missing or has expired.
    if (response.status === 401) await setUser(null);
    showError(prefix + body.message);
  } catch {
    showError('The sample does not respond. Is it still running?');
  }
  return undefined;
}

function withJson(method, body) {
  return {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  };
}

function showError(message = '') {
  $('error').textContent = message;
  $('error').hidden = !message;
}

function showStatus(message = '') {
  $('status').textContent = message;
}

function logEvent(event, detail = '') {
  const item = createElement('li', { textContent: event });
  item.append(createElement('span', { textContent: detail }));
  $('events').append(item);
}

function createElement(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}

function setText(parent, selector, text) {
  parent.querySelector(selector).textContent = text;
}
