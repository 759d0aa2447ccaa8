import { button, element, heading, tile } from './elements.js';

/** The name to show for an integration. */
export function titleOf({ title, type, id }) {
  return String(title || type || id);
}

/** The integrations, with search. */
export function listScreen({ rows, title, companyName, imageUrl, onPick }) {
  const entries = rows.map((row) => ({
    text: [titleOf(row), ...tagsOf(row)].join(' ').toLowerCase(),
    item: element('li', {}, entry(row, onPick)),
  }));
  const list = element('ul', {
    class: 'list',
    'aria-label': 'Integrations',
    keydown: moveFocus,
  });
  const count = element('p', { class: 'count', role: 'status' });
  const search = element('input', {
    type: 'search',
    class: 'search',
    placeholder: 'Search integrations',
    'aria-label': 'Search integrations',
    autocomplete: 'off',
    spellcheck: 'false',
    'data-focus': true,
    input: update,
    keydown: leaveSearch,
  });

  update();
  return [
    element(
      'header',
      {},
      companyName ? tile(companyName, imageUrl, 'large') : undefined,
      heading(title || 'Connect an integration'),
      element(
        'p',
        { class: 'lead' },
        companyName
          ? `Pick what ${companyName} should work with.`
          : 'Pick what you would like to connect.',
      ),
    ),
    search,
    count,
    list,
  ];

  function update() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = entries.filter(({ text }) =>
      words.every((word) => text.includes(word)),
    );
    list.replaceChildren(...found.map(({ item }) => item));
    list.scrollTop = 0;
    count.textContent = summary(found.length, entries.length);
  }

  function leaveSearch(event) {
    const first = list.querySelector('button');
    if (!first) return;
    if (event.key === 'ArrowDown') {
      event.preventDefault();
      first.focus();
    }
    if (event.key === 'Enter' && list.children.length === 1) {
      // Else the same key press also triggers the button that receives the focus.
      event.preventDefault();
      first.click();
    }
  }

  function moveFocus(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...list.querySelectorAll('button')];
    const next = buttons.indexOf(document.activeElement) + step;
    const beyond = step < 0 ? search : buttons[buttons.length - 1];
    (buttons[next] || beyond).focus();
  }
}

function entry(row, onPick) {
  const created = button('', 'entry', () => onPick(row));
  const [tag] = tagsOf(row);
  created.append(
    tile(titleOf(row), row.image),
    element('span', { class: 'name' }, titleOf(row)),
    tag ? element('span', { class: 'tag' }, tag) : '',
  );
  return created;
}

function tagsOf({ tags }) {
  return Array.isArray(tags) ? tags.map(String) : [];
}

function summary(found, all) {
  if (all === 0) {
    return 'There is no integration to connect: the response of the token endpoint has no rows.';
  }
  if (found === 0) return 'No integration matches.';
  if (found < all) return `${found} of ${all}`;
  return all === 1 ? '1 integration' : `${all} integrations`;
}
