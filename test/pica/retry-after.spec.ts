import { parseRetryAfter } from '../../lib/pica/retry-after.js';

const NOW = Date.UTC(2026, 10, 24, 8, 49, 7);

describe('parseRetryAfter()', () => {
  it.each([
    ['0', 0],
    ['120', 120],
    [' 7 ', 7],
    ['Tue, 24 Nov 2026 08:49:37 GMT', 30],
    ['Tuesday, 24-Nov-26 08:49:37 GMT', 30],
    ['Tue, 24 Nov 2026 08:00:00 GMT', 0],
  ])('parses %j as %d seconds', (value, seconds) => {
    expect(parseRetryAfter(value, NOW)).toBe(seconds);
  });

  it.each([
    undefined,
    '',
    'soon',
    '-5',
    '1.5',
    '1e9',
    'Tue, 99 Foo 2026',
    ['5'],
    5,
  ])('returns undefined for %j', (value) => {
    expect(parseRetryAfter(value, NOW)).toBeUndefined();
  });
});
