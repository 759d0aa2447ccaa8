/** The page of a platform, in a window of its own: the user agrees or does not. */
import { consentForm } from './consent-screen.js';
import { element } from './elements.js';
import { messageScreen } from './message-screen.js';

const state = new URLSearchParams(location.search).get('state') || '';

const response = await fetch(
  `/widget/oauth?state=${encodeURIComponent(state)}`,
);
const { row, app, message } = await response.json();
show(
  response.ok
    ? consentForm({
        row,
        companyName: app,
        onAgree: () => goBack({ code: 'emulated' }),
        onDeny: () => goBack({ error: 'access_denied' }),
      })
    : messageScreen({
        kind: 'failure',
        title: 'There is nothing to allow',
        text: message,
      }),
);

/** Sends the user back to One, as the platform does. */
function goBack(result) {
  location.replace(
    `/widget/callback?${new URLSearchParams({ ...result, state })}`,
  );
}

function show(screen) {
  const badge = element('span', { class: 'badge' }, 'emulator');
  document.body.replaceChildren(
    element(
      'main',
      { class: 'dialog' },
      element('div', { class: 'content' }, screen),
      element('footer', {}, badge),
    ),
  );
}
