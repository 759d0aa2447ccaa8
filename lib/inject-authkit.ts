import { Inject, type Abstract, type Type } from '@nestjs/common';
import { AuthKitConnectionsService } from './connections/connections.service.js';
import { AuthKitGrantService } from './grant/grant.service.js';
import { AuthKitHealthIndicator } from './health/authkit-health.indicator.js';
import { AuthKitIdentityGuard } from './identity/authkit-identity.guard.js';
import { AuthKitPassthroughService } from './passthrough/passthrough.service.js';
import { AuthKitTokenService } from './token/token.service.js';

/** A class that a registration provides. */
export type AuthKitProvider<T = unknown> = Type<T> | Abstract<T>;

/** What apps inject, by name: a bundler may give several classes the same `name`. */
const INJECTABLES_BY_NAME = {
  AuthKitTokenService,
  AuthKitConnectionsService,
  AuthKitPassthroughService,
  AuthKitGrantService,
  AuthKitIdentityGuard,
  AuthKitHealthIndicator,
};

/** What apps inject. */
export const INJECTABLES = Object.values(INJECTABLES_BY_NAME);

/**
 * Returns the injection token of a service, or of the guard, of one registration:
 * for `app.get()`, `inject`, and tests that override a provider.
 *
 * @param name the `name` of the registration. Without it, the service itself is the token
 *
 * @publicApi
 */
export function getAuthKitProviderToken<T>(
  service: AuthKitProvider<T>,
  name?: string,
): string | AuthKitProvider<T> {
  if (name === undefined) return service;
  const [known = service.name] =
    Object.entries(INJECTABLES_BY_NAME).find(
      ([, each]) => (each as AuthKitProvider) === service,
    ) ?? [];
  return `${known}(${name})`;
}

/**
 * Injects a service of one registration by its `name`.
 *
 * @param name the `name` of the registration. Without it, the service itself is injected
 *
 * @example
 * ```ts
 * constructor(
 *   @InjectAuthKit(AuthKitTokenService, 'sandbox') private sandbox: AuthKitTokenService,
 * ) {}
 * ```
 *
 * @publicApi
 */
export function InjectAuthKit(
  service: AuthKitProvider,
  name?: string,
): ReturnType<typeof Inject> {
  return Inject(getAuthKitProviderToken(service, name));
}
