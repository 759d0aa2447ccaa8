/** The page of the emulator: its faults, connections and requests, once a second. */
import { button, element } from '../widget/elements.js';

const INTERVAL_MS = 1000;
const byId = (id) => document.getElementById(id);
/** What each section shows, as JSON: it is drawn again only when that changes. */
const shown = {};

async function refresh() {
  const state = await call('GET', 'state').catch(() => undefined);
  if (!state) return say('The emulator does not respond.');
  if (byId('status').textContent.includes('does not respond')) say('');
  byId('vendor').textContent = state.displayName;
  byId('hint').textContent =
    `Your page opens the widget: give ${state.opener}() the baseUrl ${location.origin}. ` +
    'The backend takes it as AUTHKIT_BASE_URL, and as one of AUTHKIT_ALLOWED_ORIGINS.';
  show('faults', state.faults, drawFaults);
  show('connections', state.connections, drawConnections);
  show('requests', state.requests, drawRequests);
}

function show(id, content, draw) {
  const text = JSON.stringify(content);
  if (shown[id] === text) return;
  shown[id] = text;
  // The control that has the focus is replaced by its successor.
  const { key } = document.activeElement?.dataset ?? {};
  byId(id).replaceChildren(...draw(content));
  if (key) document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

function drawFaults(faults) {
  return faults.map(({ name, title, on, hits }) => {
    const created = button(title, 'switch', () =>
      act(
        on ? 'DELETE' : 'PUT',
        `faults/${name}`,
        `${title}: ${on ? 'off' : 'on'}`,
      ),
    );
    created.setAttribute('role', 'switch');
    created.setAttribute('aria-checked', String(on));
    created.dataset.key = `fault ${name}`;
    if (on) created.append(element('span', { class: 'count' }, `${hits} hit`));
    return created;
  });
}

function drawConnections(connections) {
  if (connections.length === 0) {
    return [note('None yet. Your page opens the widget, and users connect.')];
  }
  const owners = new Map();
  for (const connection of connections) {
    const { identity, identityType, account } = connection;
    const owner = [
      identity ?? 'no owner',
      identityType && `(${identityType})`,
      account > 1 && `· account ${account}`,
    ]
      .filter(Boolean)
      .join(' ');
    owners.set(owner, [...(owners.get(owner) ?? []), connection]);
  }
  return [...owners].map(([owner, list]) =>
    element(
      'div',
      { class: 'owner' },
      element('h3', {}, owner),
      element('ul', {}, ...list.map(drawConnection)),
    ),
  );
}

function drawConnection({ id, name, platform, state, key, works }) {
  const label = name || platform;
  const control = (title, method, path, done) => {
    const created = button(title, 'small', () => act(method, path, done));
    created.setAttribute('aria-label', `${title}: ${label}`);
    created.dataset.key = `${title === 'Delete' ? 'delete' : 'break'} ${id}`;
    return created;
  };
  const path = `connections/${id}`;
  return element(
    'li',
    {},
    element(
      'div',
      { class: 'text' },
      element('strong', {}, label),
      element(
        'span',
        { class: works ? 'good' : 'bad' },
        works || state === 'failed' ? state : `${state}, but calls fail`,
      ),
      element('code', {}, key),
    ),
    works
      ? control('Break', 'POST', `${path}/break`, `${label} is broken`)
      : control('Repair', 'POST', `${path}/repair`, `${label} works again`),
    control('Delete', 'DELETE', path, `${label} is deleted`),
  );
}

function drawRequests(requests) {
  if (requests.length === 0) return [note('None yet.')];
  const rows = requests.map((request) => {
    const { method, path, query, status, durationMs, aborted, problem } =
      request;
    const text = new URLSearchParams(query).toString();
    const outcome = status ?? (aborted ? 'left' : '…');
    return element(
      'tr',
      { class: problem ? 'wrong' : undefined },
      element('td', { class: 'method' }, method),
      element(
        'td',
        { class: 'path' },
        element('code', {}, text ? `${path}?${text}` : path),
        problem ? element('span', { class: 'bad' }, problem) : undefined,
      ),
      element('td', {}, String(outcome)),
      element(
        'td',
        { class: 'duration' },
        durationMs === undefined ? '' : `${durationMs} ms`,
      ),
    );
  });
  const heads = ['Method', 'Path', 'Status', 'Time'];
  return [
    element(
      'table',
      {},
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          ...heads.map((head) => element('th', { scope: 'col' }, head)),
        ),
      ),
      element('tbody', {}, ...rows),
    ),
  ];
}

function note(text) {
  return element('p', { class: 'note' }, text);
}

function say(text) {
  byId('status').textContent = text;
}

async function act(method, path, done) {
  try {
    await call(method, path);
    say(done);
  } catch (error) {
    say(error.message);
  }
  await refresh();
}

async function call(method, path) {
  const response = await fetch(`/emulator/${path}`, { method });
  const text = await response.text();
  const body = text ? JSON.parse(text) : undefined;
  if (!response.ok) throw new Error(body?.message ?? `${response.status}`);
  return body;
}

await refresh();
setInterval(() => {
  if (document.visibilityState === 'visible') void refresh();
}, INTERVAL_MS);
