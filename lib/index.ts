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
} from './inject-authkit.js';
export type {
  AuthKitAction,
  AuthKitConnection,
  AuthKitConnectionLabel,
  AuthKitIdentityType,
  AuthKitIntegration,
  AuthKitToken,
} from './authkit.types.js';
export { needsReconnect, ownerOf } from './connections/connection.js';
export type { AuthKitConnectionFilter } from './connections/connection-filter.js';
export {
  AuthKitConnectionsService,
  type AuthKitConfirmation,
  type AuthKitConfirmOptions,
  type AuthKitConnectionListOptions,
  type AuthKitConnectionPage,
  type AuthKitConnectionUpdate,
  type AuthKitRequestOptions,
  type AuthKitScanOptions,
  type ConnectionSelector,
} from './connections/connections.service.js';
export type { AuthKitTraceContext } from './core/diagnostics.js';
export {
  AuthKitGrantService,
  type AuthKitWidgetToken,
  type IssueGrantOptions,
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
export { getRequestIdentity } from './identity/get-request.js';
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
  AuthKitCacheOptions,
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
export type { AuthKitIntegrationListing } from './token/integrations.js';
export {
  AuthKitTokenService,
  type CreateTokenOptions,
  type ListIntegrationsOptions,
} from './token/token.service.js';
export type { AuthKitVendor } from './vendors/index.js';
export type { AuthKitCallInit } from './passthrough/call-request.js';
export {
  AuthKitPassthroughService,
  type AuthKitActionFilter,
} from './passthrough/passthrough.service.js';
