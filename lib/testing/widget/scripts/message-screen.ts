/** Says how something went, and what can be done next. */
export const MESSAGE_SCREEN = String.raw`import { button, element } from './elements.js';
import { heading } from './frame.js';

const MARKS = { success: '✓', failure: '!', hint: 'i' };

/** kind: success, failure or hint. actions: pairs of a text and what it does; the first is the one to take. */
export function messageScreen({ kind, title, text, advice, actions = [] }) {
  const buttons = actions.map(([label, act], index) => {
    const made = button(label, index === 0 ? 'primary' : 'secondary', act);
    if (index === 0 && kind === 'success') made.dataset.focus = '';
    return made;
  });
  return element('div', { class: 'message ' + kind },
    element('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[kind]),
    heading(title),
    element('p', { class: 'lead', role: kind === 'failure' ? 'alert' : 'status' }, text),
    advice ? element('p', { class: 'note' }, advice) : undefined,
    element('div', { class: 'actions' }, ...buttons.reverse()),
  );
}

export function waitScreen(text) {
  return element('div', { class: 'message wait' },
    element('span', { class: 'spinner', 'aria-hidden': 'true' }),
    heading(text),
  );
}
`;
