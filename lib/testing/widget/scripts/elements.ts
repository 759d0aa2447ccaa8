/** Makes elements. Text goes in as text, never as markup. */
export const ELEMENTS = String.raw`
/** An element with attributes (a function is a listener) and children (text or elements; nothing for undefined). */
export function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') made.addEventListener(name, value);
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

export function button(text, className, onClick) {
  return element('button', { type: 'button', class: className, click: onClick }, text);
}
`;
