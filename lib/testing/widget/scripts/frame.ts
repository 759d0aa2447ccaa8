/** The window that all screens are shown in. */
export const FRAME = String.raw`import { button, element } from './elements.js';
import { host } from './host.js';

const FOCUSABLE = 'button:not(:disabled), input, a[href]';

/** The dialog; show() puts a screen into it. */
export function openFrame() {
  const content = element('div', { class: 'content' });
  const vendor = element('span', { class: 'vendor' });
  const close = button('×', 'close', host.closed);
  close.setAttribute('aria-label', 'Close');
  const dialog = element('div', { class: 'dialog', role: 'dialog', 'aria-modal': 'true', 'aria-labelledby': 'title' },
    close,
    content,
    element('footer', {}, element('span', { class: 'badge', title: 'Nothing here is real: no account is touched, nothing leaves this machine.' }, 'emulator'), vendor),
  );
  document.body.replaceChildren(dialog);
  // Not of the dialog: a click beside its controls leaves the focus with the page.
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') host.closed();
    if (event.key === 'Tab') keepFocus(event, dialog);
  });

  return {
    /** Shows a screen and puts the focus on what it marks, or on its title, which is read out then. */
    show(...screen) {
      content.replaceChildren(...screen);
      (content.querySelector('[data-focus]') || content.querySelector('#title')).focus();
    },
    dress({ appTheme }) {
      document.documentElement.dataset.theme = appTheme === 'dark' || appTheme === 'light' ? appTheme : 'system';
    },
    /** White label: the vendor's name is left out. */
    sign(name) {
      vendor.textContent = name ? 'Secured by ' + name : '';
    },
  };
}

/** Tab goes round in the dialog: the page behind it cannot be used. */
function keepFocus(event, dialog) {
  const stops = [...dialog.querySelectorAll(FOCUSABLE)].filter((stop) => stop.checkVisibility());
  const last = stops[stops.length - 1];
  const wanted = event.shiftKey ? last : stops[0];
  const edge = event.shiftKey ? stops[0] : last;
  if (document.activeElement !== edge && dialog.contains(document.activeElement)) return;
  event.preventDefault();
  wanted.focus();
}

/** A screen's title; it can have the focus, but is no stop of the Tab key. */
export function heading(text) {
  return element('h1', { id: 'title', tabindex: '-1' }, text);
}
`;
