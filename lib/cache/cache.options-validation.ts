import { inspect } from 'node:util';
import { IsOptional } from 'class-validator';
import {
  breachesOf,
  LONGEST_TIMER,
  Must,
  WholeNumber,
} from '../authkit.options-rules.js';
import type {
  AuthKitCacheOptions,
  AuthKitCacheStore,
  CacheOptions,
} from './cache.options.js';

const Switch = () =>
  Must('true or false', (value) => typeof value === 'boolean');

/** The rules of {@link AuthKitCacheOptions}, one for each option. */
class CacheOptionsRules {
  @IsOptional()
  @Must(
    "'memory', a Keyv, or a cache-manager Cache: an object with get(key), set(key, value, ttl) and delete(key) or del(key)",
    (value) => value === 'memory' || isStore(value),
  )
  store?: unknown;

  @IsOptional()
  @WholeNumber(1, LONGEST_TIMER, ' of milliseconds')
  ttl?: unknown;

  @IsOptional()
  @Switch()
  flags?: unknown;

  @IsOptional()
  @Switch()
  catalogue?: unknown;
}

/** What is wrong with the `cache` option: one sentence for each fault. */
export function faultsOfCache(given: unknown): string[] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return [
      `cache: given ${Array.isArray(given) ? 'a list' : `a ${typeof given}`}; expected an object of { store?, ttl?, flags?, catalogue? }.`,
    ];
  }
  const rules = Object.assign(new CacheOptionsRules(), given);
  return breachesOf(rules).map(({ property, value, constraints }) =>
    constraints?.must
      ? `cache.${property}: given ${show(value)}; expected ${constraints.must}.`
      : `cache.${property}: there is no such option; check its spelling against AuthKitCacheOptions.`,
  );
}

/** Fills in the defaults of options that have no faults. */
export function resolveCache(given: AuthKitCacheOptions): CacheOptions {
  return {
    store: given.store ?? 'memory',
    ttl: given.ttl ?? 300_000,
    flags: given.flags ?? false,
    catalogue: given.catalogue ?? false,
  };
}

function isStore(value: unknown): value is AuthKitCacheStore {
  if (typeof value !== 'object' || value === null) return false;
  const store = value as Record<string, unknown>;
  const has = (method: string) => typeof store[method] === 'function';
  return has('get') && has('set') && (has('delete') || has('del'));
}

/** What was given. Of strings and objects, which may hold the URL of a store and its password, the kind alone. */
function show(value: unknown): string {
  if (typeof value === 'string') return 'another string';
  if (typeof value === 'object') {
    return Array.isArray(value) ? 'a list' : 'an object without them';
  }
  return typeof value === 'function' ? 'a function' : inspect(value);
}
