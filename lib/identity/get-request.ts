import type { ExecutionContext } from '@nestjs/common';

/** The place of the context among the arguments of a GraphQL resolver: parent, args, context, info. */
const GRAPHQL_CONTEXT = 2;

/** The part of a GraphQL context that holds a request. */
interface GraphQLContext {
  readonly req?: object;
}

/**
 * Returns the request of a controller's handler or of a GraphQL resolver.
 * (`GqlExecutionContext` would need `@nestjs/graphql`, for the same argument.)
 *
 * @throws {Error} where the GraphQL context holds no request, and in a handler of messages
 */
export function requestOf(context: ExecutionContext): object {
  if (context.getType() === 'rpc') {
    throw new Error(
      'AuthKitIdentityGuard: a message has no HTTP request, and its sender can write a user into the payload. ' +
        'Hand the identity to the service. Or, where your own guard authenticates the sender, override getRequest(context) of this guard.',
    );
  }
  if (!isGraphQL(context)) return context.switchToHttp().getRequest<object>();
  const { req } = graphQLContextOf(context);
  if (typeof req === 'object' && req !== null) return req;
  throw new Error(
    'AuthKitIdentityGuard: the GraphQL context has no req. Return one from the option context of GraphQLModule, ' +
      'context: ({ req }) => ({ req }), or override getRequest(context) of the guard.',
  );
}

/**
 * Returns the object that carries the identity from the guard to the handler:
 * the request, in a GraphQL resolver the context, of which each operation has
 * its own.
 */
export function identityCarrier(context: ExecutionContext): object {
  return isGraphQL(context)
    ? graphQLContextOf(context)
    : context.switchToHttp().getRequest<object>();
}

function isGraphQL(context: ExecutionContext): boolean {
  return context.getType<string>() === 'graphql';
}

function graphQLContextOf(context: ExecutionContext): GraphQLContext {
  return context.getArgByIndex<GraphQLContext>(GRAPHQL_CONTEXT);
}
