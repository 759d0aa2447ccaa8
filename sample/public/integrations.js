import { connect, resume } from './connect.js';
import { $, createElement, fetchJson, nameOf, onSignedOut } from './shared.js';

/** The integrations that the user's company is offered, each with the user's connections. */
let integrations = [];

/** Whether the widget is open. Only one can be. */
let isWidgetOpen = false;

/** Number of the latest request for the integrations. */
let latestRequest = 0;

onSignedOut(() => {
  integrations = [];
  $('plan').textContent = '';
  showTiles();
});
$('search').addEventListener('input', showTiles);
await load();
document.querySelector('main').inert = false;
if (integrations.length > 0) await resume(widgetCallbacks());

async function load() {
  const request = ++latestRequest;
  $('tiles').ariaBusy = 'true';
  const response = await fetchJson('/integrations');
  // A newer request replaces this one.
  if (request !== latestRequest) return;
  $('tiles').ariaBusy = 'false';
  if (!response) return;
  const { company } = response;
  $('plan').textContent = `${company.name}, ${company.plan} plan`;
  // What needs the user comes first, then what is connected. The sort is stable.
  integrations = response.integrations.sort(
    (one, other) => rankOf(one) - rankOf(other),
  );
  showTiles();
}

function rankOf({ connections }) {
  if (connections.some(({ isBroken }) => isBroken)) return 0;
  return connections.length > 0 ? 1 : 2;
}

function showTiles() {
  const query = $('search').value.trim().toLowerCase();
  const found = integrations.filter(({ title, category = '' }) =>
    `${title} ${category}`.toLowerCase().includes(query),
  );
  const { length } = integrations;
  $('count').textContent =
    found.length < length
      ? `${found.length} of ${length}`
      : `${length} integrations`;
  const focused = document.activeElement?.id;
  $('tiles').replaceChildren(...found.map(createTile));
  if (focused) $(focused)?.focus();
}

function createTile(integration) {
  const { title, category = '', connections } = integration;
  const broken = connections.find(({ isBroken }) => isBroken);

  const logo = createElement('span', {
    className: 'logo',
    textContent: initialsOf(title),
    ariaHidden: 'true',
  });
  logo.style.setProperty('--hue', hueOf(title));
  const text = createElement('div', { className: 'text' });
  text.append(
    createElement('strong', { textContent: title }),
    createElement('span', { textContent: category }),
  );
  const heading = createElement('div', { className: 'heading' });
  heading.append(logo, text);

  const footer = createElement('div', { className: 'footer' });
  footer.append(createState(connections), createButton(integration, broken));

  const tile = createElement('li', { className: 'tile' });
  tile.append(heading, footer);
  return tile;
}

function createState(connections) {
  const broken = connections.filter(({ isBroken }) => isBroken);
  const state = createElement('span', { className: 'state' });
  if (broken.length > 0) {
    state.dataset.state = 'failed';
    state.textContent =
      connections.length > 1
        ? `${broken.length} of ${connections.length} broken`
        : 'does not work any more';
  } else if (connections.length > 0) {
    state.dataset.state = 'operational';
    state.textContent =
      connections.length > 1 ? `${connections.length} connected` : 'connected';
  } else {
    state.dataset.state = 'none';
    state.textContent = 'not connected';
  }
  // Several accounts of one platform are told apart by their names.
  state.title = connections.map(nameOf).join(', ');
  return state;
}

function createButton({ title, connections }, broken) {
  let label = 'Connect';
  if (broken) label = 'Connect again';
  else if (connections.length > 0) label = 'Connect another';
  const button = createElement('button', {
    type: 'button',
    id: `connect-${title}`,
    className: `small ${broken ? 'connect-again' : ''}`,
    textContent: label,
    ariaLabel: `${label}: ${title}`,
    disabled: isWidgetOpen,
  });
  button.addEventListener('click', () =>
    openWidget({ title, broken, buttonId: button.id }),
  );
  return button;
}

function openWidget({ title, broken, buttonId }) {
  return connect({ title, broken, ...widgetCallbacks(buttonId) });
}

function widgetCallbacks(buttonId) {
  return {
    change: async (run) => {
      await run();
      await load();
    },
    setOpen: (isOpen) => setWidgetOpen(isOpen, buttonId),
  };
}

function setWidgetOpen(isOpen, buttonId) {
  isWidgetOpen = isOpen;
  for (const button of document.querySelectorAll('#tiles button')) {
    button.disabled = isOpen;
  }
  if (!isOpen && buttonId) $(buttonId)?.focus();
}

function initialsOf(title) {
  const [first = '?', second] = title.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = second
    ? [...first][0] + [...second][0]
    : [...first].slice(0, 2).join('');
  return letters.toUpperCase();
}

/** A color for a name, the same each time. */
function hueOf(title) {
  let sum = 7;
  for (const character of title) {
    sum = (sum * 31 + character.codePointAt(0)) % 360;
  }
  return sum;
}
