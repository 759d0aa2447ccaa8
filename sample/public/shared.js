// What both pages use.

export const settings = await (await fetch('/settings')).json();

export const $ = (id) => document.getElementById(id);

/**
 * Returns the parsed response, or `true` for an empty one. Otherwise it shows
 * the error's message and returns `undefined`.
 */
export async function fetchJson(url, init, prefix = '') {
  try {
    const response = await fetch(url, init);
    if (response.status === 204) return true;
    const body = await response.json();
    if (response.ok) return body;
    // The session is missing or has expired.
    if (response.status === 401) await signedOut();
    showError(prefix + body.message);
  } catch {
    showError('The sample does not respond. Is it still running?');
  }
  return undefined;
}

export function withJson(method, body) {
  return {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  };
}

let signedOut = () => {};
/** Sets what happens where a request finds no session. */
export function onSignedOut(callback) {
  signedOut = callback;
}

export function showError(message = '') {
  $('error').textContent = message;
  $('error').hidden = !message;
}

export function showStatus(message = '') {
  $('status').textContent = message;
}

export function createElement(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}

/** The name of a connection: its own, else that of its platform. */
export function nameOf(connection) {
  return connection.name || platformOf(connection);
}

export function platformOf({ title, platform }) {
  return title || platform;
}
