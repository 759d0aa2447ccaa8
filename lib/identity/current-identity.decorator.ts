import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { getCarrier, getRequestIdentity } from './get-request.js';

/**
 * Injects the identity that {@link AuthKitIdentityGuard} has extracted into a parameter of a handler or a resolver.
 *
 * @throws {Error} (status 500) where the guard does not run before the handler
 *
 * @publicApi
 */
export const CurrentIdentity = createParamDecorator(
  (_: unknown, context: ExecutionContext) => {
    const identity = getRequestIdentity(getCarrier(context));
    if (!identity) {
      const { name } = context.getClass();
      throw new Error(
        `@CurrentIdentity() in ${name}.${context.getHandler().name} has no identity: ` +
          'add AuthKitIdentityGuard behind your own guard, @UseGuards(YourGuard, AuthKitIdentityGuard).',
      );
    }
    return identity;
  },
);
