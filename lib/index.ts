export { AuthKitModule } from './authkit.module.js';
export type {
  AuthKitModuleExtras,
  AuthKitModuleOptions,
  AuthKitOptionsFactory,
} from './authkit.options.js';
export type {
  AuthKitCacheOptions,
  AuthKitCacheStore,
} from './cache/cache.options.js';
export { authKitConfig } from './config/authkit.config.js';
export type { AuthKitControllerOptions } from './endpoint/endpoint.options.js';
export type { AuthKitGrantOptions } from './grant/grant.options.js';
export { AuthKitGrantService } from './grant/grant.service.js';
export type { AuthKitWidgetToken } from './grant/widget-token.js';
export { AuthKitIdentityGuard } from './identity/authkit-identity.guard.js';
export { AuthKitIdentity } from './identity/authkit-identity.js';
export { CurrentIdentity } from './identity/current-identity.decorator.js';
export { ExtractIdentity } from './identity/extract-identity.js';
export type {
  ExtractedIdentity,
  IdentityExtractor,
} from './identity/identity-extractor.js';
export {
  AuthKitException,
  type AuthKitErrorDetails,
  type AuthKitErrorReason,
} from './pica/authkit.exception.js';
export type { AuthKitHttpOptions } from './pica/pica.options.js';
export type {
  AuthKitIdentityType,
  AuthKitIntegration,
  AuthKitToken,
  AuthKitVendor,
} from './pica/types.js';
export type { SecretKeyResolver } from './token/token.options.js';
export {
  AuthKitTokenService,
  type CreateTokenOptions,
} from './token/token.service.js';
