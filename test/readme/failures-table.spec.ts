import { readFileSync } from 'node:fs';
import { AuthKitException, type AuthKitErrorReason } from '../../lib/index.js';

/** The responses in the table under "What happens when Pica fails", by reason. */
function responsesIn(file: string): [AuthKitErrorReason, string][] {
  const [, section] =
    /^## What happens when Pica fails\n(.*?)^## /ms.exec(
      readFileSync(file, 'utf8'),
    ) ?? [];
  return [
    ...section!.matchAll(/^\| `(?!reason`)(\w+)` *\|.*\| (.+?) *\|$/gm),
  ].map(([, reason, response]) => [reason as AuthKitErrorReason, response!]);
}

describe('the table of failures in the guide to errors', () => {
  const table = responsesIn('docs/errors.md');

  it('lists every reason', () => {
    const reasons = table.map(([reason]) => reason);
    expect(reasons.sort()).toEqual([
      'ambiguous',
      'cancelled',
      'invalid_argument',
      'invalid_identity',
      'malformed',
      'not_connected',
      'not_found',
      'quota_exceeded',
      'rate_limited',
      'reconnect_required',
      'rejected',
      'secret_rejected',
      'timed_out',
      'unavailable',
      'unidentified',
    ]);
  });

  it.each(table.filter(([reason]) => reason !== 'cancelled'))(
    'states the status of %s',
    (reason, response) => {
      const status = new AuthKitException(reason).getStatus();
      expect(response).toMatch(new RegExp(`^${status}\\b`));
    },
  );
});
