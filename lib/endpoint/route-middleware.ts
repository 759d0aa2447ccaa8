import type {
  IncomingMessage,
  RequestListener,
  Server,
  ServerResponse,
} from 'node:http';
import type { HttpServer, MiddlewareConsumer, Type } from '@nestjs/common';
import type { ResolvedOptions } from '../options/resolve-options.js';
import {
  answerPreflight,
  hasRouteHeaders,
  setRouteHeaders,
  tokenOrigins,
  type CorsPolicy,
  type Middleware,
} from './cors.js';
import type { AuthKitControllers } from './create-controllers.js';
import { claimRoutes, type RouteClaim } from './route-conflicts.js';
import { createPathMatcher, resolveRoutePaths } from './route-paths.js';
import { AuthKitCorsTokenController } from './token.controller.js';

/** The property of a server that holds the routes of all registrations. */
const ROUTES = Symbol.for('nestjs-pica-authkit:routes');

interface ServerRoute {
  readonly matches: (url: string) => boolean;
  readonly policy: CorsPolicy | null;
}

/** A route of a registration. */
interface Route extends RouteClaim {
  /** `null` leaves CORS to the app. */
  readonly policy: CorsPolicy | null;
}

/** Applies the middleware of all routes of a registration, each with its CORS policy. */
export function applyRoutes(
  consumer: MiddlewareConsumer,
  { token, grant, connections }: AuthKitControllers,
  options: ResolvedOptions,
  adapter: HttpServer | undefined,
): void {
  const hasServer = Boolean(adapter?.getHttpServer());
  const routeOf = (
    name: string,
    option: string,
    controller: Type | undefined,
    policy: CorsPolicy | null,
  ): Route[] => {
    if (!controller) return [];
    const paths = hasServer ? resolveRoutePaths(consumer, controller) : [];
    return [{ name, option, controller, paths, policy }];
  };
  const ofWidget = {
    origins: tokenOrigins(options),
    methods: ['POST'],
    // Grants and bearers come in a header.
    credentials: false,
  };
  const ofPages = { origins: options.pageOrigins, credentials: true };
  const hasCors = token.prototype instanceof AuthKitCorsTokenController;
  const routes = [
    ...routeOf(
      'the token route',
      'controller.path',
      token,
      hasCors ? ofWidget : null,
    ),
    ...routeOf('the grant route', 'controller.path', grant, {
      ...ofPages,
      methods: ['POST'],
    }),
    ...routeOf(
      'the routes for connections',
      'controller.connections.path',
      connections,
      { ...ofPages, methods: ['GET', 'POST', 'PATCH', 'DELETE'] },
    ),
  ];
  if (adapter && hasServer) {
    claimRoutes(routes, options.registration, consumer, adapter);
  }
  for (const route of routes) applyRouteMiddleware(consumer, route, adapter);
}

/**
 * Sets the headers of a controller's responses, and answers its preflights,
 * before any guard runs. Requests that reach the route get them from middleware.
 * Those that end before it are matched by their URL: a body that cannot be
 * parsed, or a preflight that the app's own `enableCors()` answers.
 *
 * @param adapter the app's HTTP adapter, where it has one
 */
function applyRouteMiddleware(
  consumer: MiddlewareConsumer,
  { controller, paths, policy }: Route,
  adapter: HttpServer | undefined,
): void {
  // One for all: each middleware is a layer of the router.
  const middleware: Middleware = (request, response, next) => {
    setRouteHeaders(request, response, policy);
    if (policy) answerPreflight(request, response, next);
    else next();
  };
  consumer.apply(middleware).forRoutes(controller);

  const server: Server | undefined = adapter?.getHttpServer();
  if (adapter && server) {
    const matches = createPathMatcher(adapter, paths);
    // The middleware of a route overrides it, where two routes match.
    routesOf(server, adapter).unshift({ matches, policy });
  }
}

/** The routes of a server. The first call adds the listeners that set their headers. */
function routesOf(
  server: Server & { [ROUTES]?: ServerRoute[] },
  adapter: HttpServer,
): ServerRoute[] {
  const known = server[ROUTES];
  if (known) return known;
  const routes: ServerRoute[] = [];
  server[ROUTES] = routes;
  const setHeaders: RequestListener = (request, response) => {
    if (hasRouteHeaders(response)) return;
    const route = routes.find(({ matches }) => matches(request.url ?? ''));
    if (route) setRouteHeaders(request, response, route.policy);
  };
  server.prependListener('request', setHeaders);
  listenBeyondServer(adapter.getInstance(), setHeaders);
  return routes;
}

/** What a platform has to see requests that do not come from Nest's HTTP server. */
interface PlatformInstance {
  /** Express: what its own request listener calls. */
  handle?(...args: Parameters<RequestListener>): unknown;
  /** Fastify. */
  addHook?(
    name: 'onSend',
    hook: (
      request: { raw: IncomingMessage },
      reply: { raw: ServerResponse },
      payload: unknown,
      done: () => void,
    ) => void,
  ): unknown;
}

/**
 * Calls a listener for the requests that bypass Nest's HTTP server, too: those
 * of serverless wrappers, of `inject()` and of another server. On Fastify just
 * before the response is sent, since CORS of the app may respond before any
 * hook that is added here.
 */
function listenBeyondServer(
  instance: PlatformInstance,
  listener: RequestListener,
): void {
  if (instance.addHook) {
    instance.addHook('onSend', ({ raw: request }, { raw }, _payload, done) => {
      listener(request, raw);
      done();
    });
  } else if (instance.handle) {
    const { handle } = instance;
    instance.handle = function (request, response, ...rest) {
      listener(request, response);
      return handle.call(this, request, response, ...rest);
    };
  }
}
