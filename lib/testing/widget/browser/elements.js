/** Creates elements. Text goes in as text, never as markup. */

/**
 * Creates an element. A function among the attributes is a listener.
 * Children are text or elements; `undefined` is left out.
 */
export function element(tag, attributes, ...children) {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') created.addEventListener(name, value);
    else created.setAttribute(name, value === true ? '' : value);
  }
  created.append(...children.filter((child) => child !== undefined));
  return created;
}

export function button(text, className, onClick) {
  return element(
    'button',
    { type: 'button', class: className, click: onClick },
    text,
  );
}

/** The title of a screen. It can receive the focus, but the Tab key skips it. */
export function heading(text) {
  return element('h1', { id: 'title', tabindex: '-1' }, text);
}

/**
 * The picture of an integration: its image where that is a data: URL, its
 * initials otherwise. The emulator loads nothing from the network.
 */
export function tile(title, image, className = '') {
  if (typeof image === 'string' && image.startsWith('data:image/')) {
    return element('img', { class: `tile ${className}`, src: image, alt: '' });
  }
  const created = element(
    'span',
    { class: `tile ${className}`, 'aria-hidden': 'true' },
    initials(title),
  );
  created.style.setProperty('--hue', hue(title));
  return created;
}

function initials(title) {
  const [first = '?', second] = title.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = second
    ? [...first][0] + [...second][0]
    : [...first].slice(0, 2).join('');
  return letters.toUpperCase();
}

/** A colour for a name, the same each time. */
function hue(title) {
  let sum = 7;
  for (const character of title) {
    sum = (sum * 31 + character.codePointAt(0)) % 3600;
  }
  return sum / 10;
}
