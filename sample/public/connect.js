// The vendor's package: @picahq/authkit or @withone/auth.
import * as vendor from './authkit.js';
import {
  $,
  fetchJson,
  nameOf,
  settings,
  showError,
  showStatus,
  withJson,
} from './shared.js';

const useWidget = vendor.useAuthKit ?? vendor.useOneAuth;

/** Where One's widget opens the platform: in a window of its own, or with `?authWindow=same` in this one. */
const authWindow =
  new URLSearchParams(location.search).get('authWindow') ?? 'popup';

/**
 * Opens the widget.
 *
 * - `title`: the title of the integration at which the widget opens. Without it,
 *   the widget lists all integrations.
 * - `broken`: the connection that the user connects again.
 * - `change(run)`: runs the confirmation of a connection, and shows what comes of it.
 * - `setOpen(isOpen)`: called when the widget opens and closes. Only one can be open.
 * - `log(event, detail)`: called with the events of the widget.
 */
export async function connect(options) {
  // With `authWindow: 'same'` this page is left.
  const { broken, setOpen } = options;
  if (broken) sessionStorage.setItem('broken', JSON.stringify(broken));
  else sessionStorage.removeItem('broken');
  setOpen(true);
  showError();
  showStatus();
  const widget = await createWidget(options);
  widget?.open();
  showFrame(setOpen);
}

/**
 * Goes on after One's widget has sent the whole page to a platform, which has
 * sent the user back. Only the package knows whether it has: call `useOneAuth()`
 * on every load for a signed-in user, and do not look at the address.
 */
export async function resume(callbacks) {
  if (!vendor.useOneAuth) return;
  const broken = JSON.parse(sessionStorage.getItem('broken')) ?? undefined;
  await createWidget({ broken, ...callbacks });
  // The package has opened the widget itself if there is something to go on with.
  if ($('event-link')) showFrame(callbacks.setOpen);
}

/** Fetches a grant and creates the widget, which uses the grant to request a token. */
async function createWidget({ title, broken, change, setOpen, log }) {
  // Only this request uses the session. The vendor receives the grant alone.
  const token = await fetchJson('/authkit-token/grant', { method: 'POST' });
  if (!token) return undefined;
  return useWidget({
    // Default: the vendor's URL. With the emulator, it is the emulator's URL.
    baseUrl: settings.widgetUrl,
    // The unchanged response of the grant route: { url, headers, expiresAt }.
    token,
    companyName: 'Sample Inc.',
    appTheme: matchMedia('(prefers-color-scheme: dark)').matches
      ? 'dark'
      : 'light',
    selectedConnection: isLatin1(title) ? title : undefined,
    authWindow,
    onSuccess: (connection) => {
      change(async () => {
        const replaced = isSamePlatform(connection, broken)
          ? broken
          : undefined;
        const isConfirmed = await confirmConnection(connection, replaced);
        // The user may connect more before the widget closes.
        if (isConfirmed && replaced) broken = undefined;
      });
      log?.('onSuccess', connection?.key);
    },
    onError: (message) => {
      log?.('onError', message);
      showError(message);
    },
    onClose: () => {
      log?.('onClose');
      setOpen(false);
    },
  });
}

function showFrame(setOpen) {
  const frame = $('event-link');
  setOpen(Boolean(frame));
  // An accessible name for the frame.
  if (frame) frame.title = 'Connect an integration';
}

/**
 * The package encodes its settings with btoa(), which throws for other
 * characters. The widget then lists all integrations instead.
 */
function isLatin1(title = '') {
  return /^[\0-\xff]*$/.test(title);
}

/** The user can leave the integration at which the widget opens, and connect another one. */
function isSamePlatform(connection, broken) {
  return broken !== undefined && connection?.platform === broken.platform;
}

/**
 * Confirms what `onSuccess` was called with. Any frame can forge the message
 * behind it, so the connection does not count before the backend has found it
 * among the user's own.
 */
async function confirmConnection(connection, replaced) {
  if (typeof connection?.key !== 'string') {
    showError('The widget has named no connection.');
    return false;
  }
  const confirmed = await fetchJson(
    '/authkit-connections',
    withJson('POST', { key: connection.key, replaces: replaced?.id }),
    'The connection is not confirmed. ',
  );
  if (!confirmed) return false;
  showError();
  showStatus(`${nameOf(confirmed)} is connected${replaced ? ' again' : ''}.`);
  return true;
}
