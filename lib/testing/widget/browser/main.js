/** Shows one screen after the other. */
import { consentScreen } from './consent-screen.js';
import { openDialog } from './dialog.js';
import { listScreen, titleOf } from './list-screen.js';
import { messageScreen, waitScreen } from './message-screen.js';
import { onSettings, parentWindow } from './parent-window.js';
import { createConnection, fetchToken } from './requests.js';

const { vendor } = document.documentElement.dataset;
const dialog = openDialog();
/** Counts the starts: the result of an earlier one is dropped. */
let starts = 0;

async function start(settings) {
  const current = ++starts;
  dialog.setTheme(settings.appTheme);
  dialog.setBranding();
  dialog.show(waitScreen('Looking for integrations…'));
  const [token, error] = await settled(fetchToken(settings, vendor));
  if (current !== starts) return;
  if (error) {
    showFailure(
      error,
      () => start(settings),
      'The integrations cannot be shown',
    );
    return;
  }

  if (!token.isWhiteLabel) {
    dialog.setBranding(vendor === 'one' ? 'One' : 'Pica');
  }
  const selected = String(settings.selectedConnection || '').toLowerCase();
  const row =
    selected &&
    token.rows.find((each) => titleOf(each).toLowerCase() === selected);
  if (row) showConsent(settings, token, row);
  else showList(settings, token);
}

function showList(settings, token) {
  const onPick = (row) => showConsent(settings, token, row);
  dialog.show(...listScreen({ ...settings, rows: token.rows, onPick }));
}

function showConsent(settings, token, row) {
  dialog.show(
    ...consentScreen({
      ...settings,
      row,
      onBack: () => showList(settings, token),
      onDeny: () => fail(new Error(`Access to ${titleOf(row)} was denied.`)),
      onAgree: agree,
    }),
  );

  async function agree(input) {
    dialog.show(waitScreen(`Connecting ${titleOf(row)}…`));
    const [connection, error] = await settled(
      createConnection({
        ...input,
        requestId: token.requestId,
        integration: row.id,
      }),
    );
    if (error) {
      fail(error);
      return;
    }
    parentWindow.connected(connection);
    dialog.show(
      messageScreen({
        kind: 'success',
        title: `${titleOf(row)} is connected`,
        text: 'You can close this window.',
        actions: [
          ['Done', parentWindow.closed],
          ['Connect another', () => showList(settings, token)],
        ],
      }),
    );
  }

  function fail(error) {
    parentWindow.failed(error.message);
    const retry = () =>
      error.isExpired ? start(settings) : showConsent(settings, token, row);
    showFailure(error, retry, `${titleOf(row)} is not connected`);
  }
}

function showFailure({ message, advice }, retry, title) {
  const actions = [
    ['Try again', retry],
    ['Close', parentWindow.closed],
  ];
  dialog.show(
    messageScreen({ kind: 'failure', title, text: message, advice, actions }),
  );
}

/** Resolves to `[value]` or `[undefined, error]`. */
function settled(promise) {
  return promise.then(
    (value) => [value],
    (error) => [undefined, error],
  );
}

if (!onSettings(start)) {
  const opener = vendor === 'one' ? 'useOneAuth' : 'useAuthKit';
  dialog.show(
    messageScreen({
      kind: 'hint',
      title: 'The widget of the AuthKit emulator',
      text: `Your page opens it: give ${opener}() the baseUrl ${location.origin}.`,
      advice:
        'The backend takes the same address as AUTHKIT_BASE_URL, and as one of AUTHKIT_ALLOWED_ORIGINS.',
    }),
  );
}
