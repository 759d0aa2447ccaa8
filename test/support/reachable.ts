import { inspect } from 'node:util';

/**
 * The paths to every string and every byte array that contains one of the
 * secrets, over all properties that code can reach from a value: hidden ones,
 * getters, symbols, and the entries of maps and sets.
 *
 * @param isOutside objects that the search does not enter
 */
export function pathsToSecrets(
  root: unknown,
  secrets: readonly string[],
  isOutside: (value: object) => boolean = () => false,
): string[] {
  const found: string[] = [];
  const seen = new Set<unknown>();
  const queue: [path: string, value: unknown][] = [['', root]];
  for (let next = queue.pop(); next; next = queue.pop()) {
    const [path, value] = next;
    if (seen.has(value)) continue;
    const text = textOf(value);
    if (secrets.some((secret) => text?.includes(secret))) found.push(path);
    if (text !== undefined || !isObject(value)) continue;
    seen.add(value);
    if (isOutside(value) || value === process || value === globalThis) continue;
    for (const [name, inner] of propertiesOf(value)) {
      queue.push([`${path}.${name}`, inner]);
    }
  }
  return found;
}

const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array
    ? Buffer.from(value).toString('latin1')
    : undefined;
}

function* propertiesOf(value: object): Generator<[string, unknown]> {
  for (const key of Reflect.ownKeys(value)) {
    yield ['key', String(key)];
    try {
      yield [String(key), Reflect.get(value, key, value)];
    } catch {
      // A getter that throws shows nothing.
    }
  }
  const isPrototype = Object.hasOwn(value, 'constructor');
  // Nest's wrappers keep what they have made in a WeakMap, behind this getter.
  if (!isPrototype && 'instance' in value) yield ['instance', value.instance];
  if (!isPrototype && (value instanceof Map || value instanceof Set)) {
    for (const entry of value.entries()) yield ['entry', entry];
  }
}

/** All that `util.inspect` can show of a value. */
export function inspectAll(value: unknown): string {
  return inspect(value, {
    depth: Infinity,
    showHidden: true,
    getters: true,
    maxArrayLength: null,
    maxStringLength: null,
  });
}
