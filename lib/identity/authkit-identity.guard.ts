import {
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { AUTHKIT_IDENTITY_EXTRACTOR } from '../authkit.constants.js';
import { rememberIdentity } from './request-identity.js';
import type { IdentityExtractor } from './identity-extractor.js';
import { toIdentity } from './to-identity.js';

/**
 * Finds out who is asking, by the module's `identity` option, for
 * {@link CurrentIdentity} to hand to the handler. It authenticates nobody:
 * place it behind the guard that does.
 *
 * @throws {AuthKitException} `unidentified` (401) where the request carries no
 *   identity, `invalid_identity` (400) where it is not one that Pica can hold
 *
 * @example
 * ```ts
 * @Post('token')
 * @HttpCode(200)
 * @UseGuards(JwtAuthGuard, AuthKitIdentityGuard)
 * token(@CurrentIdentity() who: AuthKitIdentity) {
 *   return this.tokens.create(who);
 * }
 * ```
 *
 * @publicApi
 */
@Injectable()
export class AuthKitIdentityGuard implements CanActivate {
  constructor(
    @Inject(AUTHKIT_IDENTITY_EXTRACTOR)
    protected readonly extract: IdentityExtractor,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<object>();
    rememberIdentity(request, toIdentity(await this.extract(request, context)));
    return true;
  }
}
