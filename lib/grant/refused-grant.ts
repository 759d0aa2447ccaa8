import { AuthKitException } from '../pica/authkit.exception.js';

/** What can be wrong with a grant, and the sentence that the widget shows then. */
const REFUSALS = {
  missing:
    'No grant came with the request: the page has to pass what POST …/grant answers. Please open the dialog again.',
  expired: 'The grant has expired. Please open the dialog again.',
  early:
    'The grant is not valid yet: a clock is wrong. Please open the dialog again in a moment.',
  elsewhere:
    'The grant was made for another endpoint. Please open the dialog again.',
  used: 'The grant has been used already. Please open the dialog again.',
  invalid: 'The grant is not valid. Please open the dialog again.',
} as const;

/** What is wrong with a refused grant. */
export type GrantRefusal = keyof typeof REFUSALS;

/** The answer to a refused grant: 401 `unidentified`, with nothing of the grant in it. */
export function refusedGrant(refusal: GrantRefusal): AuthKitException {
  return new AuthKitException('unidentified', {
    message: REFUSALS[refusal],
    cause: new Error(`grant refused: ${refusal}`),
  });
}
