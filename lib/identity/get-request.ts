import type { ExecutionContext } from '@nestjs/common';
import type { AuthKitIdentity } from './authkit-identity.js';

/**
 * Returns the request of a controller's handler or of a GraphQL resolver.
 * (`GqlExecutionContext` would need `@nestjs/graphql`, for the same argument.)
 *
 * @throws {Error} if the GraphQL context holds no request, and in a handler of messages
 */
export function getRequest(context: ExecutionContext): object {
  const type = context.getType<string>();
  if (type === 'rpc') {
    throw new Error(
      'AuthKitIdentityGuard: a message has no HTTP request, and its sender can write a user into the payload. ' +
        'Hand the identity to the service. Or, if your own guard authenticates the sender, override getRequest(context) of this guard.',
    );
  }
  const carrier = getCarrier(context);
  if (type !== 'graphql') return carrier;
  const { req } = carrier as { req?: unknown };
  if (typeof req === 'object' && req !== null) return req;
  throw new Error(
    'AuthKitIdentityGuard: the GraphQL context has no req. Return one from the option context of GraphQLModule, ' +
      'context: ({ req }) => ({ req }), or override getRequest(context) of the guard.',
  );
}

/** Returns the object that carries the identity from the guard to the handler: the request, in a GraphQL resolver the context of the operation. */
export function getCarrier(context: ExecutionContext): object {
  // The arguments of a resolver are parent, args, context and info.
  return context.getType<string>() === 'graphql'
    ? context.getArgByIndex<object>(2)
    : context.switchToHttp().getRequest<object>();
}

/** The path of the route that a request leads to, not the path of the request, which the caller writes. */
export function getRoutePath(request: object): string | undefined {
  // On Express `route`, on Fastify `routeOptions`.
  const { route, routeOptions } = request as {
    route?: { path?: unknown };
    routeOptions?: { url?: unknown };
  };
  const path = route?.path ?? routeOptions?.url;
  return typeof path === 'string' ? path : undefined;
}

/** The property of a request that holds its identity: a symbol, which no client can send. */
const IDENTITY = Symbol.for('nestjs-pica-authkit:identity');

/** Stores the identity of a request, for the handler. */
export function setRequestIdentity(
  request: object,
  identity: AuthKitIdentity,
): void {
  const property = { value: identity, configurable: true };
  Object.defineProperty(request, IDENTITY, property);
}

/**
 * Returns the identity of an HTTP request, for code that has no
 * `@CurrentIdentity()`: a guard, an interceptor, a logger. `undefined` before
 * {@link AuthKitIdentityGuard}, or the guard for grants, has stored it. On
 * Fastify the request is Fastify's own, not its `raw`.
 *
 * @publicApi
 */
export function getRequestIdentity(
  request: object,
): AuthKitIdentity | undefined {
  return (request as { [IDENTITY]?: AuthKitIdentity })[IDENTITY];
}

/** The property of a request that holds when its deadline began. */
const STARTED_AT = Symbol.for('nestjs-pica-authkit:request-started-at');

type ClockedRequest = object & { [STARTED_AT]?: number };

/** Starts the deadline of a request, if it has not begun. */
export function startRequestClock(request: ClockedRequest): void {
  if (request[STARTED_AT] !== undefined) return;
  Object.defineProperty(request, STARTED_AT, { value: performance.now() });
}

/** When the deadline of a request began, on the clock of `performance.now()`. */
export function getRequestStart(request: ClockedRequest): number | undefined {
  return request[STARTED_AT];
}
