import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryStore } from '../../lib/cache/memory-store.js';

describe('the cache store in memory', () => {
  it('evicts the least recently used entries when it is full', () => {
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
  });

  it('does not store a value that is larger than the store', () => {
    const store = new MemoryStore(12);
    store.set('key', ['ten chars.'], 1_000);
    expect(store.get('key')).toBeUndefined();
  });

  it('does not count replaced and deleted entries toward its size', () => {
    const store = new MemoryStore(8);
    for (let index = 0; index < 10; index += 1) store.set('a', true, 1_000);
    store.set('b', true, 1_000);
    expect(store.get('a')).toBe(true);
    store.delete('a');
    store.delete('a');
    store.set('c', true, 1_000);
    expect([store.get('b'), store.get('c')]).toEqual([true, true]);
  });

  it('does not return an entry after its ttl', async () => {
    const store = new MemoryStore();
    store.set('a', true, 20);
    expect(store.get('a')).toBe(true);
    await sleep(40);
    expect(store.get('a')).toBeUndefined();
  });
});
