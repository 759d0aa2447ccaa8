import { performance } from 'node:perf_hooks';
import { jest } from '@jest/globals';
import {
  createWarnOnce,
  formatOrigin,
  sanitizeForLog,
  type WarnOnce,
} from '../../lib/warn-once.js';
import { afterTest } from '../support/cleanup.js';
import { captureWarnings } from '../support/mocks.js';

const HOUR = 3_600_000;

/** Sets the clock, and returns a function that moves it on. */
function useClock(): (ms: number) => void {
  let now = 1_000;
  const spy = jest.spyOn(performance, 'now').mockImplementation(() => now);
  afterTest(() => spy.mockRestore());
  return (ms) => void (now += ms);
}

describe('the warnings about values of requests', () => {
  let lines: string[];
  let warnOnce: WarnOnce;
  const warn = (value: string) =>
    warnOnce(value, `value ${sanitizeForLog(value)}`);
  beforeEach(() => {
    lines = captureWarnings();
    warnOnce = createWarnOnce();
  });

  it('name each value once, hours later too', () => {
    const pass = useClock();
    for (const value of ['a', 'b', 'a']) warn(value);
    pass(3 * HOUR);
    warn('a');
    expect(lines).toEqual(['value a', 'value b']);
  });

  it('are at most 20 in an hour, and name the values left out when these come again', () => {
    const pass = useClock();
    for (let index = 0; index < 1_000; index += 1) warn(`value-${index}`);
    expect(lines).toHaveLength(20);
    pass(HOUR);
    for (let index = 0; index < 1_000; index += 1) warn(`value-${index}`);
    expect(lines).toHaveLength(40);
    expect(lines[39]).toBe('value value-39');
  });

  it('show 100 characters of a value, and no control characters, line separators or halves of surrogate pairs', () => {
    warn(`a\r\n[Nest] \u001b[31m\u0085\u2028\u202e\ud800b`);
    warn('x'.repeat(1_000_000));
    expect(lines).toEqual(['value a[Nest] [31mb', `value ${'x'.repeat(100)}`]);
  });

  it('count values as equal that look equal in the log', () => {
    warn(`${'x'.repeat(100)}1`);
    warn(`${'x'.repeat(100)}2`);
    expect(lines).toHaveLength(1);
  });
});

it.each([
  ['https://app.example', 'https://app.example'],
  ['https://ada:secret@App.Example:443/path?key=1#x', 'https://app.example'],
  ['capacitor://localhost', 'capacitor://localhost'],
  ['null', 'null'],
  ['not a URL\n', 'an invalid origin'],
  [`https://${'x'.repeat(2_000)}`, 'an invalid origin'],
])('the origin %j is logged as %j', (origin, shown) => {
  expect(formatOrigin(origin)).toBe(shown);
});
