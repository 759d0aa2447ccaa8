import { createParamDecorator, type ExecutionContext } from '@nestjs/common';

/** Injects `request.user`, which SessionGuard sets. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest().user,
);
