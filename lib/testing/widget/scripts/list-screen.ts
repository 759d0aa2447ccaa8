/** The integrations, with search. */
export const LIST_SCREEN = String.raw`import { button, element } from './elements.js';
import { heading } from './frame.js';
import { tile } from './tile.js';

/** The name of an integration for people. */
export function titleOf({ title, type, id }) {
  return String(title || type || id);
}

export function listScreen({ rows, title, companyName, imageUrl, onPick }) {
  const entries = rows.map((row) => ({
    text: [titleOf(row), ...tagsOf(row)].join(' ').toLowerCase(),
    item: element('li', {}, entry(row, onPick)),
  }));
  const list = element('ul', { class: 'list', 'aria-label': 'Integrations', keydown: moveFocus });
  const count = element('p', { class: 'count', role: 'status' });
  const search = element('input', { type: 'search', class: 'search', placeholder: 'Search integrations', 'aria-label': 'Search integrations', autocomplete: 'off', spellcheck: 'false', 'data-focus': true, input: update, keydown: startFromSearch });

  function update() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = entries.filter(({ text }) => wanted.every((word) => text.includes(word)));
    list.replaceChildren(...found.map(({ item }) => item));
    list.scrollTop = 0;
    count.textContent = summary(found.length, entries.length);
  }

  function startFromSearch(event) {
    const first = list.querySelector('button');
    if (!first) return;
    if (event.key === 'ArrowDown') {
      event.preventDefault();
      first.focus();
    }
    if (event.key === 'Enter' && list.children.length === 1) {
      // The same press would go on to the button that has the focus next.
      event.preventDefault();
      first.click();
    }
  }

  function moveFocus(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const entries = [...list.querySelectorAll('button')];
    const next = entries.indexOf(document.activeElement) + step;
    (entries[next] || (step < 0 ? search : entries[entries.length - 1])).focus();
  }

  update();
  return [
    element('header', {},
      companyName ? tile(companyName, imageUrl, 'large') : undefined,
      heading(title || 'Connect an integration'),
      element('p', { class: 'lead' }, companyName ? 'Pick what ' + companyName + ' should work with.' : 'Pick what you would like to connect.'),
    ),
    search,
    count,
    list,
  ];
}

function entry(row, onPick) {
  const made = button('', 'entry', () => onPick(row));
  const [tag] = tagsOf(row);
  made.append(
    tile(titleOf(row), row.image),
    element('span', { class: 'name' }, titleOf(row)),
    tag ? element('span', { class: 'tag' }, tag) : '',
  );
  return made;
}

function tagsOf({ tags }) {
  return Array.isArray(tags) ? tags.map(String) : [];
}

function summary(found, all) {
  if (all === 0) return 'There is no integration to connect: the answer of the token endpoint has no rows.';
  if (found === 0) return 'No integration matches.';
  return found === all ? all + (all === 1 ? ' integration' : ' integrations') : found + ' of ' + all;
}
`;
