import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { AuthKitException, type AuthKitErrorReason } from '../../lib/index.js';

/** The answers of the table under "What happens when Pica fails", by reason. */
function tableOf(file: string): [AuthKitErrorReason, string][] {
  const [, section] =
    /^## What happens when Pica fails\n(.*?)^## /ms.exec(
      readFileSync(file, 'utf8'),
    ) ?? [];
  return [
    ...section!.matchAll(/^\| `(?!reason`)(\w+)` *\|.*\| (.+?) *\|$/gm),
  ].map(([, reason, answer]) => [reason as AuthKitErrorReason, answer!]);
}

describe('the table of failures in the README', () => {
  const table = tableOf('README.md');

  it('has every reason', () => {
    const reasons = table.map(([reason]) => reason);
    expect(reasons.sort()).toEqual([
      'cancelled',
      'invalid_identity',
      'malformed',
      'quota_exceeded',
      'rate_limited',
      'rejected',
      'secret_rejected',
      'timed_out',
      'unavailable',
      'unidentified',
    ]);
  });

  it.each(table.filter(([reason]) => reason !== 'cancelled'))(
    'tells the status of %s',
    (reason, answer) => {
      const status = new AuthKitException(reason).getStatus();
      expect(answer).toMatch(new RegExp(`^${status}\\b`));
    },
  );
});
