import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { identityOf } from './request-identity.js';

/**
 * Hands the identity that {@link AuthKitIdentityGuard} found to a handler's parameter.
 *
 * @throws {Error} (answered as 500) where the guard does not stand before the handler
 *
 * @publicApi
 */
export const CurrentIdentity = createParamDecorator(
  (_: unknown, context: ExecutionContext) => {
    const who = identityOf(context.switchToHttp().getRequest<object>());
    if (!who) {
      const { name } = context.getClass();
      throw new Error(
        `@CurrentIdentity() in ${name}.${context.getHandler().name} has no identity to hand over: ` +
          'add AuthKitIdentityGuard behind your own guard, @UseGuards(YourGuard, AuthKitIdentityGuard).',
      );
    }
    return who;
  },
);
