// The vendor's own package: @picahq/authkit, or @withone/auth.
import * as vendor from './authkit.js';

const openerOf = vendor.useAuthKit ?? vendor.useOneAuth;
const settings = await (await fetch('/settings')).json();

/** Who is signed in: { name, … }, or null. The cookie itself is out of the page's reach. */
let user = null;

/** Counts how often the connections were asked for. */
let listings = 0;

const $ = (id) => document.getElementById(id);

$('package').textContent = settings.package;
$('connect').addEventListener('click', connect);
$('sign-out').addEventListener('click', signOut);
for (const button of document.querySelectorAll('[data-name]')) {
  button.addEventListener('click', () => signIn(button.dataset.name));
}
await enter((await ask('/auth/session'))?.user ?? null);
document.querySelector('main').inert = false;

async function signIn(name) {
  const answer = await ask('/auth/sign-in', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  if (answer) await enter(answer.user);
}

async function signOut() {
  const answer = await ask('/auth/sign-out', { method: 'POST' });
  if (answer) await enter(answer.user);
}

async function enter(next) {
  user = next;
  $('signed-in').hidden = !user;
  $('signed-out').hidden = Boolean(user);
  $('hint').hidden = Boolean(user);
  $('name').textContent = user?.name ?? '';
  showError();
  await showConnections();
}

/** Opens the widget. It asks our backend for a token with the grant that the page got. */
async function connect() {
  // One widget at a time.
  $('connect').disabled = true;
  showError();
  // Our session goes no further than this; the vendor sees the grant alone.
  const token = await ask('/authkit-token/grant', { method: 'POST' });
  if (!token) {
    $('connect').disabled = false;
    return;
  }

  openerOf({
    // Unset, it is the vendor's own; here it may be the emulator's.
    baseUrl: settings.widgetUrl,
    // What the backend answered, as it is: { url, headers, expiresAt }.
    token,
    companyName: 'Sample Inc.',
    appTheme: matchMedia('(prefers-color-scheme: dark)').matches
      ? 'dark'
      : 'light',
    onSuccess: (connection) => {
      report('onSuccess', connection.key);
      showError();
      showConnections();
    },
    onError: (message) => {
      report('onError', message);
      showError(message);
    },
    onClose: () => {
      report('onClose');
      $('connect').disabled = false;
      $('connect').focus();
    },
  }).open();

  // A frame that screen readers can name.
  $('event-link').title = 'Connect an integration';
}

async function showConnections() {
  const mine = ++listings;
  $('connections').ariaBusy = 'true';
  const found = user ? await ask('/connections') : [];
  // Somebody else may have signed in meanwhile.
  if (mine !== listings) return;
  $('connections').ariaBusy = 'false';
  const items = (found ?? []).map(({ name, platform, createdAt }) =>
    item(name, `${platform}, ${new Date(createdAt).toLocaleString()}`),
  );
  $('connections').replaceChildren(...items);
  $('none').hidden = !found || items.length > 0;
}

/** The answer, or nothing where there is an error to show. */
async function ask(url, init) {
  try {
    const response = await fetch(url, init);
    const body = await response.json();
    if (response.ok) return body;
    // The session has ended meanwhile.
    if (response.status === 401) await enter(null);
    showError(body.message);
  } catch {
    showError('The sample does not answer. Does it still run?');
  }
  return undefined;
}

function showError(message = '') {
  $('error').textContent = message;
  $('error').hidden = !message;
}

function report(event, detail) {
  $('events').append(item(event, detail));
}

function item(title, detail = '') {
  const [made, more] = [
    document.createElement('li'),
    document.createElement('span'),
  ];
  more.textContent = detail;
  made.append(title, more);
  return made;
}
