/** Stands for the platform's own pages: sign in and agree, or enter a key. */
export const CONSENT_SCREEN = String.raw`import { button, element } from './elements.js';
import { heading } from './frame.js';
import { titleOf } from './list-screen.js';
import { tile } from './tile.js';

/** The same reading as the emulator's: with scopes, or a client, one signs in. */
function signsIn({ scopes, clientIdDisplay }) {
  return Boolean(scopes || clientIdDisplay);
}

export function consentScreen({ row, companyName, showNameInput, onAgree, onDeny, onBack }) {
  const title = titleOf(row);
  const app = companyName || 'This app';
  const oauth = signsIn(row);
  const key = oauth ? undefined : element('input', { id: 'key', type: 'password', required: true, autocomplete: 'off', 'data-focus': true });
  const name = showNameInput ? element('input', { id: 'name', type: 'text', autocomplete: 'off', placeholder: title }) : undefined;
  const agree = element('button', { type: 'submit', class: 'primary', 'data-focus': oauth }, oauth ? 'Allow' : 'Connect');

  const form = element('form', { class: 'consent', submit },
    element('div', { class: 'pair' }, tile(app, undefined, 'large'), element('span', { class: 'link', 'aria-hidden': 'true' }), tile(title, row.image, 'large')),
    heading(oauth ? app + ' asks for access to ' + title : 'Connect ' + title),
    ...(oauth ? permissions(row, title) : [field('API key of ' + title, key, 'Any key will do, but “invalid”. It is not kept.')]),
    name ? field('Name of the connection', name) : undefined,
    element('div', { class: 'actions' }, button(oauth ? 'Deny' : 'Cancel', 'secondary', oauth ? onDeny : onBack), agree),
    oauth ? element('p', { class: 'note' }, 'Stands for the sign-in page of ' + title + '. Nobody is asked for a password.') : undefined,
  );
  const back = button('‹ All integrations', 'back', onBack);

  function submit(event) {
    event.preventDefault();
    agree.disabled = true;
    onAgree({ apiKey: key && key.value, name: name && name.value });
  }
  return [back, form];
}

function permissions({ scopes }, title) {
  const wanted = String(scopes || '').split(/[\s,]+/).filter(Boolean);
  if (wanted.length === 0) return [element('p', { class: 'lead' }, 'It will be able to use your account at ' + title + '.')];
  return [
    element('p', { class: 'lead' }, 'It will be able to use:'),
    element('ul', { class: 'scopes' }, ...wanted.map((scope) => element('li', {}, scope))),
  ];
}

function field(label, input, hint) {
  const described = hint ? input.id + '-hint' : undefined;
  if (described) input.setAttribute('aria-describedby', described);
  return element('div', { class: 'field' },
    element('label', { for: input.id }, label),
    input,
    hint ? element('p', { class: 'note', id: described }, hint) : undefined,
  );
}
`;
