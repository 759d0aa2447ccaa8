/** The page that opened the widget: its settings, and the messages to it. */

/** The origin of the parent page; `*` until its first message. */
let parentOrigin = '*';

addEventListener('message', (event) => {
  if (event.source === window.parent && event.origin !== 'null') {
    parentOrigin = event.origin;
  }
});

function post(messageType, content) {
  if (window.parent === window) return;
  window.parent.postMessage({ messageType, ...content }, parentOrigin);
}

export const parentWindow = {
  /** Where the platform may send the user back to. */
  origin: () => parentOrigin,
  connected: (connection) => post('LINK_SUCCESS', { message: connection }),
  failed: (message) => post('LINK_ERROR', { message }),
  closed: () => post('EXIT_EVENT_LINK'),
  /** Has the whole page go to the platform. */
  redirect: (url, state) => post('OAUTH_REDIRECT', { url, state }),
};

/**
 * Calls `callback` with the settings of `useAuthKit()`, and again when they change.
 * Settings come in the address and by message.
 * Returns whether the address has settings.
 */
export function onSettings(callback) {
  let current;
  const apply = (settings) => {
    if (!settings || typeof settings.linkTokenEndpoint !== 'string') return;
    const text = JSON.stringify(settings);
    if (text === current) return;
    current = text;
    callback(settings);
  };
  addEventListener('message', (event) => {
    if (event.source === window.parent) apply(event.data);
  });
  apply(settingsFromAddress());
  return current !== undefined;
}

function settingsFromAddress() {
  try {
    const data = new URLSearchParams(location.search).get('data') || '';
    return JSON.parse(atob(data));
  } catch {
    return undefined;
  }
}
