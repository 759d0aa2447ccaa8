import { button, element, heading, tile } from './elements.js';
import { titleOf } from './list-screen.js';

/** As the emulator decides it: a row with scopes or a client id uses OAuth. */
export function usesOAuth({ scopes, clientIdDisplay }) {
  return Boolean(scopes || clientIdDisplay);
}

/** The consent of the user, in the widget. */
export function consentScreen({ onBack, ...consent }) {
  return [
    button('‹ All integrations', 'back', onBack),
    consentForm({ ...consent, onBack }),
  ];
}

/** Before the platform's own page, in One's widget. */
export function continueScreen({ row, showNameInput, onContinue, onBack }) {
  const title = titleOf(row);
  const name = showNameInput ? nameInput(title) : undefined;
  const form = element(
    'form',
    { class: 'consent', submit },
    element('div', { class: 'pair' }, tile(title, row.image, 'large')),
    heading(`Connect ${title}`),
    element('p', { class: 'lead' }, `You sign in at ${title}.`),
    name ? field('Name of the connection', name) : undefined,
    element(
      'div',
      { class: 'actions' },
      button('Cancel', 'secondary', onBack),
      element(
        'button',
        { type: 'submit', class: 'primary', 'data-focus': true },
        `Continue to ${title}`,
      ),
    ),
  );
  return [button('‹ All integrations', 'back', onBack), form];

  function submit(event) {
    event.preventDefault();
    onContinue({ name: name?.value });
  }
}

/** Stands in for the platform's own pages: sign in and agree, or enter an API key. */
export function consentForm({
  row,
  companyName,
  showNameInput,
  onAgree,
  onDeny,
  onBack,
}) {
  const title = titleOf(row);
  const app = companyName || 'This app';
  const oauth = usesOAuth(row);
  const key = oauth
    ? undefined
    : element('input', {
        id: 'key',
        type: 'password',
        required: true,
        autocomplete: 'off',
        'data-focus': true,
      });
  const name = showNameInput ? nameInput(title) : undefined;
  const agree = element(
    'button',
    { type: 'submit', class: 'primary', 'data-focus': oauth },
    oauth ? 'Allow' : 'Connect',
  );

  return element(
    'form',
    { class: 'consent', submit },
    element(
      'div',
      { class: 'pair' },
      tile(app, undefined, 'large'),
      element('span', { class: 'link', 'aria-hidden': 'true' }),
      tile(title, row.image, 'large'),
    ),
    heading(oauth ? `${app} asks for access to ${title}` : `Connect ${title}`),
    ...(oauth
      ? permissions(row, title)
      : [
          field(
            `API key of ${title}`,
            key,
            'Any key works, except “invalid”. It is not stored.',
          ),
        ]),
    name ? field('Name of the connection', name) : undefined,
    element(
      'div',
      { class: 'actions' },
      oauth
        ? button('Deny', 'secondary', onDeny)
        : button('Cancel', 'secondary', onBack),
      agree,
    ),
    oauth
      ? element(
          'p',
          { class: 'note' },
          `Stands in for the sign-in page of ${title}. There is no password to enter.`,
        )
      : undefined,
  );

  function submit(event) {
    event.preventDefault();
    agree.disabled = true;
    onAgree({ apiKey: key?.value, name: name?.value });
  }
}

function nameInput(title) {
  return element('input', {
    id: 'name',
    type: 'text',
    autocomplete: 'off',
    placeholder: title,
  });
}

function permissions({ scopes }, title) {
  const names = String(scopes || '')
    .split(/[\s,]+/)
    .filter(Boolean);
  const lead = (text) => element('p', { class: 'lead' }, text);
  if (names.length === 0) {
    return [lead(`It will be able to use your account at ${title}.`)];
  }
  return [
    lead('It will be able to use:'),
    element(
      'ul',
      { class: 'scopes' },
      ...names.map((name) => element('li', {}, name)),
    ),
  ];
}

function field(label, input, hint) {
  const hintId = hint ? `${input.id}-hint` : undefined;
  if (hintId) input.setAttribute('aria-describedby', hintId);
  return element(
    'div',
    { class: 'field' },
    element('label', { for: input.id }, label),
    input,
    hint ? element('p', { class: 'note', id: hintId }, hint) : undefined,
  );
}
