import { needsReconnect } from '../../lib/index.js';

describe('needsReconnect()', () => {
  it('is true for connections that are inactive or have failed', () => {
    expect(needsReconnect({ state: 'failed', active: true })).toBe(true);
    expect(needsReconnect({ state: 'failed' })).toBe(true);
    expect(needsReconnect({ state: 'operational', active: false })).toBe(true);
    expect(needsReconnect({ active: false })).toBe(true);
    for (const state of ['operational', 'degraded', 'unknown', undefined]) {
      expect(needsReconnect({ state, active: true })).toBe(false);
      expect(needsReconnect({ state })).toBe(false);
    }
  });
});
