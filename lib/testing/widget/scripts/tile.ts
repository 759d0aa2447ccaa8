/** The picture of an integration. */
export const TILE = String.raw`import { element } from './elements.js';

/** Its image where that is a data: URL, its initials otherwise: the emulator loads nothing from the network. */
export function tile(title, image, className = '') {
  if (typeof image === 'string' && image.startsWith('data:image/')) {
    return element('img', { class: 'tile ' + className, src: image, alt: '' });
  }
  const made = element('span', { class: 'tile ' + className, 'aria-hidden': 'true' }, initials(title));
  made.style.setProperty('--hue', hue(title));
  return made;
}

function initials(title) {
  const [first = '?', second] = title.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  return (second ? [...first][0] + [...second][0] : [...first].slice(0, 2).join('')).toUpperCase();
}

/** A colour of its own for every name, the same each time. */
function hue(title) {
  let sum = 7;
  for (const character of title) sum = (sum * 31 + character.codePointAt(0)) % 3600;
  return sum / 10;
}
`;
