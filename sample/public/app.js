import { connect, resume } from './connect.js';
import {
  $,
  createElement,
  fetchJson,
  nameOf,
  onSignedOut,
  platformOf,
  settings,
  showError,
  showStatus,
  withJson,
} from './shared.js';

/** The signed-in user, { name, … }, or null. The page cannot read the session cookie. */
let user = null;

/** Whether the widget is open. Only one can be. */
let isWidgetOpen = false;

/** Number of the latest change of the list. */
let latestChange = 0;

$('package').textContent = settings.package;
$('connect').addEventListener('click', () => openWidget());
onSignedOut(() => setUser(null));
$('sign-out').addEventListener('click', signOut);
$('show-labels').addEventListener('click', showLabels);
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
  showLabelsState('');
  await showConnections();
  await resumeConnect();
}

/** Goes on after One's widget has sent the whole page to a platform, and the user has come back. */
async function resumeConnect() {
  if (user && !isWidgetOpen) await resume(widgetCallbacks());
}

function widgetCallbacks() {
  return { change: changeList, setOpen: setWidgetOpen, log: logEvent };
}

/** Opens the widget, for a broken connection at its integration. */
function openWidget(broken) {
  return connect({ title: broken?.title, broken, ...widgetCallbacks() });
}

function setWidgetOpen(isOpen) {
  const hasClosed = isWidgetOpen && !isOpen;
  isWidgetOpen = isOpen;
  for (const button of document.querySelectorAll(
    '#connect, #connect-gmail, .connect-again',
  )) {
    button.disabled = isOpen;
  }
  if (hasClosed) $('connect').focus();
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

/** Shows the labels, or why there are none and what the user can do. */
async function showLabels() {
  showLabelsState('Loading …');
  const response = await fetch('/gmail/labels');
  const body = await response.json();
  if (response.ok) {
    showLabelsState(`${body.length} labels`, body);
  } else if (body.reason === 'not_connected') {
    showLabelsState('No Gmail account is connected.');
    offerGmail('Connect Gmail', { title: 'Gmail' });
  } else if (body.reason === 'reconnect_required') {
    showLabelsState('Gmail does not let Sample Inc. in any more.');
    // Calls may have found out before the list has.
    const gmail = (await fetchConnections())?.find(
      ({ platform }) => platform === 'gmail',
    );
    offerGmail('Connect Gmail again', { title: 'Gmail', broken: gmail });
  } else {
    if (response.status === 401) await setUser(null);
    showLabelsState(body.message);
  }
}

function offerGmail(label, { title, broken }) {
  const button = $('connect-gmail');
  button.textContent = label;
  button.hidden = false;
  button.onclick = () => connect({ title, broken, ...widgetCallbacks() });
}

function showLabelsState(text, labels = []) {
  $('labels-state').textContent = text;
  $('connect-gmail').hidden = true;
  const items = labels.map(({ name }) =>
    createElement('li', { textContent: name }),
  );
  $('labels').replaceChildren(...items);
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
    addAction('Connect again', 'connect-again', openWidget).disabled =
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

function logEvent(event, detail = '') {
  const item = createElement('li', { textContent: event });
  item.append(createElement('span', { textContent: detail }));
  $('events').append(item);
}

function setText(parent, selector, text) {
  parent.querySelector(selector).textContent = text;
}
