import { createParamDecorator, type ExecutionContext } from '@nestjs/common';

/** Hands the user that SessionGuard put on the request to a handler's parameter. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest().user,
);
