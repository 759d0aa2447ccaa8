export {
  AuthKitException,
  type AuthKitErrorDetails,
  type AuthKitErrorReason,
} from './authkit.exception.js';
export { AuthKitModule } from './authkit.module.js';
export {
  getAuthKitProviderToken,
  InjectAuthKit,
  type AuthKitProvider,
} from './authkit.registration.js';
export type {
  AuthKitIdentityType,
  AuthKitIntegration,
  AuthKitToken,
} from './authkit.types.js';
export { redisStore, type AuthKitRedisClient } from './cache/redis-store.js';
export { needsReconnect } from './connections/connection.js';
export type {
  AuthKitConnectionFilter,
  AuthKitConnectionListOptions,
} from './connections/connection-filter.js';
export type { AuthKitConnectionPage } from './connections/connection-reader.js';
export {
  AuthKitConnectionsService,
  type AuthKitConnectionUpdate,
  type AuthKitRequestOptions,
} from './connections/connections.service.js';
export type { AuthKitTraceContext } from './core/diagnostics.js';
export {
  AuthKitGrantService,
  type AuthKitWidgetToken,
} from './grant/grant.service.js';
export {
  AuthKitHealthIndicator,
  type AuthKitHealthDetails,
  type AuthKitHealthResult,
} from './health/authkit-health.indicator.js';
export { AuthKitIdentityGuard } from './identity/authkit-identity.guard.js';
export { AuthKitIdentity } from './identity/authkit-identity.js';
export { CurrentIdentity } from './identity/current-identity.decorator.js';
export {
  ExtractIdentity,
  type ExtractedIdentity,
  type IdentityExtractor,
} from './identity/extract-identity.js';
export { getRequestIdentity } from './identity/request-identity.js';
export type {
  AuthKitCacheOptions,
  AuthKitCacheStore,
} from './options/cache.options.js';
export type {
  AuthKitConnectionsRouteOptions,
  AuthKitControllerOptions,
  AuthKitModuleExtras,
} from './options/controller.options.js';
export type {
  AuthKitGrantOptions,
  GrantUses,
} from './options/grant.options.js';
export type { AuthKitHttpOptions } from './options/http.options.js';
export type {
  AuthKitModuleOptions,
  AuthKitOptionsFactory,
  AuthKitScope,
  ConnectionLabelResolver,
  ConnectedListener,
  ConnectionLostListener,
  DisconnectedListener,
  IntegrationFilter,
  LabelsResolver,
  MessageResolver,
  ScopeResolver,
  SecretKeyResolver,
} from './options/module.options.js';
export type { AuthKitIntegrationListing } from './token/connectors.js';
export {
  AuthKitTokenService,
  type CreateTokenOptions,
  type ListIntegrationsOptions,
} from './token/token.service.js';
export type { AuthKitVendor } from './vendors/index.js';
export type {
  AuthKitConnection,
  AuthKitConnectionLabel,
} from './authkit.types.js';
