import { button, element } from './elements.js';
import { parentWindow } from './parent-window.js';

const FOCUSABLE = 'button:not(:disabled), input, a[href]';

/** Opens the dialog that shows all screens. */
export function openDialog() {
  const content = element('div', { class: 'content' });
  const branding = element('span', { class: 'vendor' });
  const close = button('×', 'close', parentWindow.closed);
  close.setAttribute('aria-label', 'Close');
  const badge = element(
    'span',
    {
      class: 'badge',
      title:
        'Nothing here is real: no account is touched, nothing leaves this machine.',
    },
    'emulator',
  );
  const dialog = element(
    'div',
    {
      class: 'dialog',
      role: 'dialog',
      'aria-modal': 'true',
      'aria-labelledby': 'title',
    },
    close,
    content,
    element('footer', {}, badge, branding),
  );
  document.body.replaceChildren(dialog);
  // On the document: a click beside the dialog's controls leaves the focus with the body.
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') parentWindow.closed();
    if (event.key === 'Tab') trapFocus(event, dialog);
  });

  return {
    /** Shows a screen. Moves the focus to what it marks, or to its title, which is read out then. */
    show(...screen) {
      content.replaceChildren(...screen);
      const target =
        content.querySelector('[data-focus]') ||
        content.querySelector('#title');
      target.focus();
    },
    setTheme(theme) {
      document.documentElement.dataset.theme =
        theme === 'dark' || theme === 'light' ? theme : 'system';
    },
    /** With white label there is no name. */
    setBranding(name) {
      branding.textContent = name ? `Secured by ${name}` : '';
    },
  };
}

/** Keeps the Tab key inside the dialog: the page behind it is out of reach. */
function trapFocus(event, dialog) {
  const stops = [...dialog.querySelectorAll(FOCUSABLE)].filter((stop) =>
    stop.checkVisibility(),
  );
  const last = stops[stops.length - 1];
  const next = event.shiftKey ? last : stops[0];
  const edge = event.shiftKey ? stops[0] : last;
  const { activeElement } = document;
  if (activeElement !== edge && dialog.contains(activeElement)) return;
  event.preventDefault();
  next.focus();
}
