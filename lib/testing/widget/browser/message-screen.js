import { button, element, heading } from './elements.js';

const MARKS = { success: '✓', failure: '!', hint: 'i' };

/**
 * Shows an outcome and what to do next.
 * `kind` is `success`, `failure` or `hint`. `actions` are pairs of a label and
 * a function; the first is the suggested one.
 */
export function messageScreen({ kind, title, text, advice, actions = [] }) {
  const buttons = actions.map(([label, act], index) => {
    const created = button(label, index === 0 ? 'primary' : 'secondary', act);
    if (index === 0 && kind === 'success') created.dataset.focus = '';
    return created;
  });
  const role = kind === 'failure' ? 'alert' : 'status';
  return element(
    'div',
    { class: `message ${kind}` },
    element('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[kind]),
    heading(title),
    element('p', { class: 'lead', role }, text),
    advice ? element('p', { class: 'note' }, advice) : undefined,
    element('div', { class: 'actions' }, ...buttons.reverse()),
  );
}

export function waitScreen(text) {
  return element(
    'div',
    { class: 'message wait' },
    element('span', { class: 'spinner', 'aria-hidden': 'true' }),
    heading(text),
  );
}
