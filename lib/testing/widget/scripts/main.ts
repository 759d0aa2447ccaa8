/** Leads from screen to screen. */
export const MAIN = String.raw`import { connect } from './api.js';
import { consentScreen } from './consent-screen.js';
import { openFrame } from './frame.js';
import { host } from './host.js';
import { listScreen, titleOf } from './list-screen.js';
import { messageScreen, waitScreen } from './message-screen.js';
import { onSettings } from './settings.js';
import { loadToken } from './token.js';

const vendor = document.documentElement.dataset.vendor;
const frame = openFrame();
/** Counts the starts: what an earlier one still waits for is not shown any more. */
let starts = 0;

async function start(settings) {
  const mine = ++starts;
  frame.dress(settings);
  frame.sign();
  frame.show(waitScreen('Looking for integrations…'));
  const [token, error] = await settled(loadToken(settings, vendor));
  if (mine !== starts) return;
  if (error) return showFailure(error, () => start(settings), 'The integrations cannot be shown');

  frame.sign(token.isWhiteLabel ? undefined : vendor === 'one' ? 'One' : 'Pica');
  const selected = String(settings.selectedConnection || '').toLowerCase();
  const row = selected && token.rows.find((row) => titleOf(row).toLowerCase() === selected);
  if (row) showConsent(settings, token, row);
  else showList(settings, token);
}

function showList(settings, token) {
  const onPick = (row) => showConsent(settings, token, row);
  frame.show(...listScreen({ ...settings, rows: token.rows, onPick }));
}

function showConsent(settings, token, row) {
  frame.show(...consentScreen({
    ...settings,
    row,
    onBack: () => showList(settings, token),
    onDeny: () => fail(new Error('Access to ' + titleOf(row) + ' was denied.')),
    onAgree: agree,
  }));

  async function agree(given) {
    const consent = { ...given, requestId: token.requestId, integration: row.id };
    frame.show(waitScreen('Connecting ' + titleOf(row) + '…'));
    const [connection, error] = await settled(connect(consent));
    if (error) return fail(error);
    host.connected(connection);
    frame.show(messageScreen({
      kind: 'success',
      title: titleOf(row) + ' is connected',
      text: 'You can close this window.',
      actions: [['Done', host.closed], ['Connect another', () => showList(settings, token)]],
    }));
  }

  function fail(error) {
    host.failed(error.message);
    const again = () => (error.isOver ? start(settings) : showConsent(settings, token, row));
    showFailure(error, again, titleOf(row) + ' is not connected');
  }
}

function showFailure({ message, advice }, again, title) {
  const actions = [['Try again', again], ['Close', host.closed]];
  frame.show(messageScreen({ kind: 'failure', title, text: message, advice, actions }));
}

function settled(promise) {
  return promise.then((value) => [value], (error) => [undefined, error]);
}

if (!onSettings(start)) {
  frame.show(messageScreen({
    kind: 'hint',
    title: 'The widget of the AuthKit emulator',
    text: 'Your page opens it: give ' + (vendor === 'one' ? 'useOneAuth' : 'useAuthKit') + '() the baseUrl ' + location.origin + '.',
    advice: 'The backend takes the same address as AUTHKIT_BASE_URL, and as one of AUTHKIT_ALLOWED_ORIGINS.',
  }));
}
`;
