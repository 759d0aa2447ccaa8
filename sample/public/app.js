// The vendor's package: @picahq/authkit or @withone/auth.
import * as vendor from './authkit.js';

const createWidget = vendor.useAuthKit ?? vendor.useOneAuth;
const settings = await (await fetch('/settings')).json();

/** The signed-in user, { name, … }, or null. The page cannot read the session cookie. */
let user = null;

/** Number of the latest request for the connections. */
let latestRequest = 0;

const $ = (id) => document.getElementById(id);

$('package').textContent = settings.package;
$('connect').addEventListener('click', connect);
$('sign-out').addEventListener('click', signOut);
for (const button of document.querySelectorAll('[data-name]')) {
  button.addEventListener('click', () => signIn(button.dataset.name));
}
await setUser((await fetchJson('/auth/session'))?.user ?? null);
document.querySelector('main').inert = false;

async function signIn(name) {
  const session = await fetchJson('/auth/sign-in', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name }),
  });
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
  await showConnections();
}

/** Fetches a grant and opens the widget, which uses the grant to request a token. */
async function connect() {
  // Only one widget can be open.
  $('connect').disabled = true;
  showError();
  // Only this request uses the session. The vendor receives the grant alone.
  const token = await fetchJson('/authkit-token/grant', { method: 'POST' });
  if (!token) {
    $('connect').disabled = false;
    return;
  }

  createWidget({
    // Default: the vendor's URL. With the emulator, it is the emulator's URL.
    baseUrl: settings.widgetUrl,
    // The unchanged response of the grant route: { url, headers, expiresAt }.
    token,
    companyName: 'Sample Inc.',
    appTheme: matchMedia('(prefers-color-scheme: dark)').matches
      ? 'dark'
      : 'light',
    onSuccess: (connection) => {
      logEvent('onSuccess', connection.key);
      showError();
      showConnections();
    },
    onError: (message) => {
      logEvent('onError', message);
      showError(message);
    },
    onClose: () => {
      logEvent('onClose');
      $('connect').disabled = false;
      $('connect').focus();
    },
  }).open();

  // An accessible name for the frame.
  $('event-link').title = 'Connect an integration';
}

async function showConnections() {
  const request = ++latestRequest;
  $('connections').ariaBusy = 'true';
  const connections = user ? await fetchJson('/connections') : [];
  // A newer request replaces this one, e.g. after another user signs in.
  if (request !== latestRequest) return;
  $('connections').ariaBusy = 'false';
  const items = (connections ?? []).map(({ name, platform, createdAt }) =>
    createListItem(
      name,
      `${platform}, ${new Date(createdAt).toLocaleString()}`,
    ),
  );
  $('connections').replaceChildren(...items);
  $('no-connections').hidden = !connections || items.length > 0;
}

/** Returns the parsed response, or shows an error and returns `undefined`. */
async function fetchJson(url, init) {
  try {
    const response = await fetch(url, init);
    const body = await response.json();
    if (response.ok) return body;
    // The session is missing or has expired.
    if (response.status === 401) await setUser(null);
    showError(body.message);
  } catch {
    showError('The sample does not respond. Is it still running?');
  }
  return undefined;
}

function showError(message = '') {
  $('error').textContent = message;
  $('error').hidden = !message;
}

function logEvent(event, detail) {
  $('events').append(createListItem(event, detail));
}

function createListItem(title, detail = '') {
  const item = document.createElement('li');
  const span = document.createElement('span');
  span.textContent = detail;
  item.append(title, span);
  return item;
}
