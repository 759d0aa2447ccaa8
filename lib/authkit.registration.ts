import { Inject, type Abstract, type Type } from '@nestjs/common';

/** A class that a registration provides. */
export type AuthKitProvider<T = unknown> = Type<T> | Abstract<T>;

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
  return name === undefined ? service : `${service.name}(${name})`;
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
