/** Shows one screen after the other. */
import { consentScreen, continueScreen, usesOAuth } from './consent-screen.js';
import { openDialog } from './dialog.js';
import { listScreen, titleOf } from './list-screen.js';
import { messageScreen, waitScreen } from './message-screen.js';
import { onSettings, parentWindow } from './parent-window.js';
import {
  awaitAuthorization,
  createConnection,
  Failure,
  fetchToken,
  startAuthorization,
} from './requests.js';

/** What the vendor's widget does: see WidgetProfile. */
const profile = JSON.parse(document.documentElement.dataset.profile);
const dialog = openDialog();
/** Counts the starts: the result of an earlier one is dropped. */
let starts = 0;

async function start(settings) {
  const current = ++starts;
  dialog.setTheme(settings.appTheme);
  dialog.setBranding();
  if (profile.leavesFrame && settings.checkState) {
    await showOutcome(settings.checkState, () => current === starts);
    return;
  }
  dialog.show(waitScreen('Looking for integrations…'));
  const [token, error] = await settled(fetchToken(settings, profile));
  if (current !== starts) return;
  if (error) {
    showFailure(
      error,
      retryOrClose(() => start(settings)),
      'The integrations cannot be shown',
    );
    return;
  }

  if (!token.isWhiteLabel) {
    dialog.setBranding(profile.displayName);
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

/** After the way to the platform and back, in the window of the page. */
async function showOutcome(state, isCurrent) {
  dialog.setBranding(profile.displayName);
  dialog.show(waitScreen('Connecting…'));
  const [connection, error] = await settled(awaitAuthorization(state));
  if (!isCurrent()) return;
  const close = [['Close', parentWindow.closed]];
  if (error) {
    parentWindow.failed(error.message);
    showFailure(error, close, 'The account is not connected');
    return;
  }
  parentWindow.connected(connection);
  showSuccess(connection.title || connection.platform, [
    ['Done', parentWindow.closed],
  ]);
}

function showConsent(settings, token, row) {
  const onBack = () => showList(settings, token);
  if (profile.leavesFrame && usesOAuth(row)) {
    dialog.show(
      ...continueScreen({ ...settings, row, onBack, onContinue: authorize }),
    );
    return;
  }
  dialog.show(
    ...consentScreen({
      ...settings,
      row,
      onBack,
      onDeny: () => fail(new Error(`Access to ${titleOf(row)} was denied.`)),
      onAgree: (input) => finish(createConnection(consentOf(input))),
    }),
  );

  function consentOf(input) {
    return {
      ...input,
      requestId: token.requestId,
      integration: row.id,
      app: settings.companyName,
      pageOrigin: parentWindow.origin(),
    };
  }

  /** Sends the user to the platform: with the whole page, or in a window of its own. */
  async function authorize(input) {
    const isRedirect = Boolean(settings.capabilities?.oauthRedirect);
    // Opened at once: later the click would not count any more.
    const popup = isRedirect
      ? undefined
      : window.open('', '', 'popup,width=480,height=720');
    if (popup === null) {
      fail(
        new Failure(
          'The browser has not opened the window.',
          'It blocks windows: allow them for this page.',
        ),
      );
      return;
    }
    dialog.show(waitScreen(`Waiting for ${titleOf(row)}…`));
    const [started, error] = await settled(
      startAuthorization(consentOf(input)),
    );
    if (error) {
      popup?.close();
      fail(error);
    } else if (popup) {
      popup.location.replace(started.url);
      await finish(awaitAuthorization(started.state, () => popup.closed));
    } else {
      parentWindow.redirect(started.url, started.state);
    }
  }

  async function finish(connecting) {
    dialog.show(waitScreen(`Connecting ${titleOf(row)}…`));
    const [connection, error] = await settled(connecting);
    if (error) {
      fail(error);
      return;
    }
    parentWindow.connected(connection);
    showSuccess(titleOf(row), [
      ['Done', parentWindow.closed],
      ['Connect another', () => showList(settings, token)],
    ]);
  }

  function fail(error) {
    parentWindow.failed(error.message);
    const retry = () =>
      error.isExpired ? start(settings) : showConsent(settings, token, row);
    showFailure(error, retryOrClose(retry), `${titleOf(row)} is not connected`);
  }
}

function showSuccess(title, actions) {
  dialog.show(
    messageScreen({
      kind: 'success',
      title: `${title} is connected`,
      text: 'You can close this window.',
      actions,
    }),
  );
}

function retryOrClose(retry) {
  return [
    ['Try again', retry],
    ['Close', parentWindow.closed],
  ];
}

function showFailure({ message, advice }, actions, title) {
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
  dialog.show(
    messageScreen({
      kind: 'hint',
      title: 'The widget of the AuthKit emulator',
      text: `Your page opens it: give ${profile.opener}() the baseUrl ${location.origin}.`,
    }),
  );
}
