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

const NAMES = new Map<AuthKitProvider, string>(
  Object.entries(INJECTABLES_BY_NAME).map(([name, service]) => [service, name]),
);

/**
 * Returns the injection token of a service, or of the guard, of one registration
 * by its `name`. For `app.get()`, `inject`, and tests that override a provider.
 *
 * @param service `AuthKitTokenService`, `AuthKitConnectionsService`, `AuthKitGrantService`, `AuthKitHealthIndicator` or `AuthKitIdentityGuard`
 * @param name the `name` of the registration. Without it, the service itself is the token
 *
 * @example
 * ```ts
 * {
 *   provide: Mailer,
 *   useFactory: (tokens: AuthKitTokenService) => new Mailer(tokens),
 *   inject: [getAuthKitProviderToken(AuthKitTokenService, 'sandbox')],
 * }
 * ```
 *
 * @publicApi
 */
export function getAuthKitProviderToken<T>(
  service: AuthKitProvider<T>,
  name?: string,
): string | AuthKitProvider<T> {
  if (name === undefined) return service;
  return `${NAMES.get(service) ?? service.name}(${name})`;
}

/**
 * Injects a service of one registration by its `name`.
 *
 * @param service `AuthKitTokenService`, `AuthKitConnectionsService`, `AuthKitGrantService` or `AuthKitHealthIndicator`
 * @param name the `name` of the registration. Without it, the service itself is injected
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     AuthKitModule.forRoot({ name: 'live', secretKey: 'sk_live_1' }),
 *     AuthKitModule.forRoot({ name: 'sandbox', secretKey: 'sk_test_1' }),
 *   ],
 *   providers: [Mailer],
 * })
 * export class MailModule {}
 *
 * @Injectable()
 * export class Mailer {
 *   constructor(
 *     @InjectAuthKit(AuthKitTokenService, 'live') private live: AuthKitTokenService,
 *     @InjectAuthKit(AuthKitTokenService, 'sandbox') private sandbox: AuthKitTokenService,
 *   ) {}
 * }
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
