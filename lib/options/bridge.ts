/* oxlint-disable import/no-cycle, typescript/no-unsafe-declaration-merging */
import type { AuthKitCacheOptions } from './cache.options.js';
import type { Limits } from './limits.js';
import { LIMITS } from './limits.js';
import type { ResolvedOptions } from './resolve-options.js';

// What is gone, for the code that still reads it. This file goes with that code.

export type AuthKitCacheStore = {
  get(key: string): unknown;
  set(key: string, value: unknown, ttl: number): unknown;
  add?(
    key: string,
    value: unknown,
    ttl: number,
  ): boolean | PromiseLike<boolean>;
} & ({ delete(key: string): unknown } | { del(key: string): unknown });

export interface CacheOptions extends Required<AuthKitCacheOptions> {
  readonly store: 'memory' | AuthKitCacheStore;
  readonly integrations: boolean;
}

export interface ModuleOptions extends Omit<ResolvedOptions, 'cache'>, Limits {
  readonly pageHint: boolean;
  cache: CacheOptions;
}
// A class too: constructors use it as a type beside a decorator.
export abstract class ModuleOptions {}

export type RegisteredOptions = ModuleOptions;

export function withOldOptions(options: ResolvedOptions): RegisteredOptions {
  return {
    ...options,
    ...options[LIMITS],
    pageHint: true,
    cache: { ...options.cache, store: 'memory', integrations: false },
  };
}
