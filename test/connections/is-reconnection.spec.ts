import { isReconnection } from '../../lib/connections/connection.js';
import type { AuthKitConnection } from '../../lib/index.js';

const HOUR = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

const row = (id: string, more: Partial<AuthKitConnection> = {}) =>
  ({ id, key: id, platform: 'gmail', ...more }) as AuthKitConnection;

const BROKEN: Partial<AuthKitConnection> = { state: 'failed', active: false };

/** What is old, what is new, whether a call has found the old one lost, and the outcome. */
type Case = [
  string,
  Partial<AuthKitConnection>,
  Partial<AuthKitConnection>,
  boolean,
  boolean,
];

describe('isReconnection()', () => {
  it.each<Case>([
    [
      'newer, and new',
      { createdAt: ago(HOUR * 9_000) },
      { createdAt: ago(1_000) },
      false,
      true,
    ],
    [
      'of the same date',
      { createdAt: ago(5) },
      { createdAt: ago(5) },
      false,
      true,
    ],
    [
      'older by a second',
      { createdAt: ago(1_000) },
      { createdAt: ago(2_000) },
      false,
      false,
    ],
    [
      'older than one that failed',
      { ...BROKEN, createdAt: ago(1_000) },
      { createdAt: ago(2_000) },
      false,
      false,
    ],
    [
      'older than one that is lost',
      { createdAt: ago(1_000) },
      { createdAt: ago(2_000) },
      true,
      false,
    ],
    [
      'newer, of 59 minutes ago',
      { createdAt: ago(9 * HOUR) },
      { createdAt: ago(HOUR - 60_000) },
      false,
      true,
    ],
    [
      'newer, of 61 minutes ago',
      { createdAt: ago(9 * HOUR) },
      { createdAt: ago(HOUR + 60_000) },
      false,
      false,
    ],
    [
      'newer than one that failed, of 61 minutes ago',
      { ...BROKEN, createdAt: ago(9 * HOUR) },
      { createdAt: ago(HOUR + 60_000) },
      false,
      false,
    ],
    ['without dates, for one that works', {}, {}, false, false],
    ['without dates, for one that failed', BROKEN, {}, false, true],
    [
      'without dates, for one that is inactive',
      { active: false },
      {},
      false,
      true,
    ],
    ['without dates, for one that is lost', {}, {}, true, true],
    [
      'without a date, for one that works and has one',
      { createdAt: ago(9 * HOUR) },
      {},
      false,
      false,
    ],
    [
      'with a date, for one that works and has none',
      {},
      { createdAt: ago(1) },
      false,
      false,
    ],
    [
      'with a date, for one that failed and has none',
      BROKEN,
      { createdAt: ago(1) },
      false,
      true,
    ],
    ['with a date that is none', BROKEN, { createdAt: 'soon' }, false, true],
    [
      'of another platform',
      BROKEN,
      { platform: 'slack', createdAt: ago(1) },
      true,
      false,
    ],
    ['failed itself', BROKEN, { state: 'failed' }, true, false],
    ['inactive itself', BROKEN, { active: false }, true, false],
    ['degraded itself', BROKEN, { state: 'degraded' }, true, false],
    ['of an unknown state', BROKEN, { state: 'unknown' }, true, false],
  ])(
    'for a new connection that is %s',
    (_, old, replacement, isLost, expected) => {
      const given = [row('old', old), row('new', replacement)] as const;
      expect(isReconnection(...given, isLost)).toBe(expected);
    },
  );

  it('is false for one connection and itself', () => {
    const same = row('same', { createdAt: ago(1) });
    expect(isReconnection(same, same, true)).toBe(false);
  });
});
