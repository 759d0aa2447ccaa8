import { describe, expect, it } from '@jest/globals';
import { MemoryStore } from '../../lib/cache/memory-store.js';

describe('the memory of the cache', () => {
  it('is bounded, and forgets first what was not used for longest', () => {
    const store = new MemoryStore(12);
    for (const key of ['a', 'b', 'c']) store.set(key, true, 1_000);
    store.get('a');
    store.set('d', true, 1_000);
    expect(['a', 'b', 'c', 'd'].filter((key) => store.get(key))).toEqual([
      'a',
      'c',
      'd',
    ]);
    store.set('text', 'ten chars.', 1_000);
    expect(['a', 'c', 'd'].filter((key) => store.get(key))).toEqual([]);
    expect(store.get('text')).toBe('ten chars.');
    store.set('too much', ['ten chars.'], 1_000);
    expect(store.get('too much')).toBeUndefined();
  });

  it('counts what is replaced or deleted no longer', () => {
    const store = new MemoryStore(8);
    for (let index = 0; index < 10; index += 1) store.set('a', true, 1_000);
    store.set('b', true, 1_000);
    expect(store.get('a')).toBe(true);
    store.delete('a');
    store.delete('a');
    store.set('c', true, 1_000);
    expect([store.get('b'), store.get('c')]).toEqual([true, true]);
  });

  it('forgets what is older than its ttl', async () => {
    const store = new MemoryStore();
    store.set('a', true, 20);
    expect(store.get('a')).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(store.get('a')).toBeUndefined();
  });
});
