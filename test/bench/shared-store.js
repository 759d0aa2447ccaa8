/** A cache store that processes share: its values are in the process of the benchmark, one message away, as Redis is. */
export function createSharedStore() {
  const pending = new Map();
  let lastId = 0;
  process.on('message', ({ store }) => {
    if (!store) return;
    pending.get(store.id)?.(store.value);
    pending.delete(store.id);
  });
  const call = (method, ...args) =>
    new Promise((resolve) => {
      lastId += 1;
      pending.set(lastId, resolve);
      process.send({ store: { id: lastId, method, args } });
    });
  return {
    get: (key) => call('get', key),
    set: (key, value, ttl) => call('set', key, value, ttl),
    delete: (key) => call('delete', key),
  };
}
