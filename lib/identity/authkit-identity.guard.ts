import {
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { AUTHKIT_IDENTITY_EXTRACTOR } from '../authkit.constants.js';
import { parseIdentity } from './authkit-identity.js';
import type { IdentityExtractor } from './extract-identity.js';
import {
  getCarrier,
  getRequest,
  setRequestIdentity,
  startRequestClock,
} from './get-request.js';
import { MissingIdentityLog } from './missing-identity-log.js';

/**
 * Identifies the caller by the module's `identity` option. The handler gets the
 * identity from {@link CurrentIdentity}. This guard does not authenticate:
 * place it behind the guard that does. It works for controllers and for GraphQL
 * resolvers, and not for handlers of messages.
 *
 * @throws {AuthKitException} `unidentified` (401) where the request carries no
 *   identity, `invalid_identity` (400) where Pica cannot hold it
 *
 * @example
 * ```ts
 * @Post('token')
 * @HttpCode(200)
 * @UseGuards(JwtAuthGuard, AuthKitIdentityGuard)
 * token(@CurrentIdentity() identity: AuthKitIdentity) {
 *   return this.tokens.create(identity);
 * }
 * ```
 *
 * @publicApi
 */
@Injectable()
export class AuthKitIdentityGuard implements CanActivate {
  private readonly log = new MissingIdentityLog();

  constructor(
    @Inject(AUTHKIT_IDENTITY_EXTRACTOR)
    protected readonly extract: IdentityExtractor,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = this.getRequest(context);
    startRequestClock(request);
    const extracted = await this.extract(request, context);
    try {
      setRequestIdentity(getCarrier(context), parseIdentity(extracted));
      return true;
    } catch (error) {
      this.log.warn(error, extracted, this.extract, request, context);
      throw error;
    }
  }

  /**
   * Returns the request that the extractor reads: that of the platform, in a
   * GraphQL resolver `req` of the context. Override it where your GraphQL
   * context holds the request elsewhere, or where your own guard authenticates
   * the sender of a message.
   *
   * @throws {Error} where the GraphQL context holds no request, and in a handler of messages
   */
  protected getRequest(context: ExecutionContext): object {
    return getRequest(context);
  }
}
