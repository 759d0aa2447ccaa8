import { AuthKitException } from '../authkit.exception.js';

/** Why a grant is invalid, and the message that the widget shows. */
const MESSAGES = {
  missing:
    'No grant came with the request: the page has to pass what POST …/grant answers. Please open the dialog again.',
  expired: 'The grant has expired. Please open the dialog again.',
  not_yet_valid:
    'The grant is not valid yet: a clock is wrong. Please open the dialog again in a moment.',
  wrong_audience:
    'The grant was made for another endpoint. Please open the dialog again.',
  used: 'The grant has been used already. Please open the dialog again.',
  invalid: 'The grant is not valid. Please open the dialog again.',
} as const;

/** Why a grant is invalid. */
export type InvalidGrantReason = keyof typeof MESSAGES;

/** The error for an invalid grant: 401 `unidentified`, with nothing of the grant in it. */
export function invalidGrant(reason: InvalidGrantReason): AuthKitException {
  return new AuthKitException('unidentified', {
    message: MESSAGES[reason],
    cause: new Error(`grant refused: ${reason}`),
  });
}
