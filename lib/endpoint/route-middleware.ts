import type {
  IncomingMessage,
  RequestListener,
  Server,
  ServerResponse,
} from 'node:http';
import type { HttpServer, MiddlewareConsumer, Type } from '@nestjs/common';
import onHeaders from 'on-headers';
import {
  ofRegistration,
  type ResolvedOptions,
} from '../options/resolve-options.js';
import { trimTrailingSlashes } from '../options/trim-slashes.js';
import { createWarnOnce } from '../warn-once.js';
import {
  isPreflight,
  overrideCors,
  tokenOrigins,
  type CorsPolicy,
} from './cors.js';
import type { AuthKitControllers } from './create-controllers.js';
import { logRefusal, type RoutePolicy } from './refusal-log.js';
import {
  assertNoConflict,
  versionsOf,
  type MountedRoute,
} from './route-conflicts.js';
import { AuthKitCorsTokenController } from './token.controller.js';

/**
 * Applies the middleware of all routes of a registration: it sets their headers
 * and answers their preflights before any guard runs.
 *
 * A listener of the server sets the headers too, for requests that end before
 * the middleware: a body that cannot be parsed, or a preflight that the app's
 * own `enableCors()` answers. Requests that bypass the server have those of the
 * middleware alone.
 *
 * @param adapter the app's HTTP adapter, if it has one
 */
export function applyRoutes(
  consumer: MiddlewareConsumer,
  { token, grant, connections }: AuthKitControllers,
  options: ResolvedOptions,
  adapter: HttpServer | undefined,
): void {
  const warnOnce = createWarnOnce();
  const server: Server | undefined = adapter?.getHttpServer();
  const routes = server ? routesOf(server) : [];

  const apply = (
    name: string,
    option: string,
    controller: Type,
    cors: CorsPolicy | null,
  ): void => {
    const paths = server ? resolvePaths(consumer, controller) : [];
    const policy: RoutePolicy = {
      path: paths[0] ?? name,
      cors,
      takesGrants: controller === token && grant !== undefined,
      warnOnce,
    };
    if (adapter && server) {
      const description = `${name}${ofRegistration(options.registration)}`;
      const versions = versionsOf(consumer, controller);
      const route = { description, option, paths, versions, policy };
      assertNoConflict(route, routes, adapter.getType() === 'express');
      routes.push(route);
    }
    const middleware = (
      request: IncomingMessage & { originalUrl?: string },
      response: RouteResponse,
      next: () => void,
    ): void => {
      // Set by the listener already, unless the request has bypassed the server.
      if (!response[POLICY]) {
        const url = request.originalUrl ?? request.url ?? '';
        // Fastify runs the middleware of every route that the path matches.
        const route = findRoute(routes, url);
        setRouteHeaders(request, response, route?.policy ?? policy);
      }
      if (!response[POLICY]?.cors || !isPreflight(request)) return next();
      response.statusCode = 204;
      response.setHeader('Content-Length', '0');
      response.end();
    };
    consumer.apply(middleware).forRoutes(controller);
  };

  const hasCors = token.prototype instanceof AuthKitCorsTokenController;
  const ofWidget = {
    origins: tokenOrigins(options),
    option: 'allowedOrigins',
    methods: ['POST'],
    // Grants and bearers come in a header.
    credentials: false,
  } as const;
  const ofPages = (...methods: string[]): CorsPolicy => ({
    origins: options.pageOrigins,
    option: 'pageOrigins',
    methods,
    credentials: true,
  });
  const path = 'controller.path';
  const connectionsPath = 'controller.connections.path';
  apply('the token route', path, token, hasCors ? ofWidget : null);
  if (grant) apply('the grant route', path, grant, ofPages('POST'));
  if (connections) {
    const policy = ofPages('GET', 'POST', 'PATCH', 'DELETE');
    apply('the routes for connections', connectionsPath, connections, policy);
  }
}

/** The property of a response that holds the policy of its route. */
const POLICY = Symbol.for('nestjs-pica-authkit:route-policy');

type RouteResponse = ServerResponse & { [POLICY]?: RoutePolicy };

/**
 * Sets the headers that every response of a route carries, errors included:
 * `Cache-Control: no-store`, and the CORS headers of its policy alone. They are
 * set just before the response is sent, because an app-wide `enableCors()` runs
 * before every module's middleware, and on Fastify its headers win over ours.
 */
function setRouteHeaders(
  request: IncomingMessage,
  response: RouteResponse,
  policy: RoutePolicy,
): void {
  response[POLICY] = policy;
  onHeaders(response, () => {
    // The response is for one identity.
    response.setHeader('Cache-Control', 'no-store');
    if (policy.cors) overrideCors(request, response, policy.cors);
    const { statusCode } = response;
    if (statusCode === 401 || statusCode === 403 || isPreflight(request)) {
      logRefusal(request, response, policy);
    }
  });
}

/** The property of a server that holds the routes of all registrations. */
const ROUTES = Symbol.for('nestjs-pica-authkit:routes');

interface ServerRoute extends MountedRoute {
  readonly policy: RoutePolicy;
}

/** The routes of a server. The first call adds the listener that sets their headers. */
function routesOf(server: Server & { [ROUTES]?: ServerRoute[] }) {
  if (server[ROUTES]) return server[ROUTES];
  const routes: ServerRoute[] = (server[ROUTES] = []);
  const listener: RequestListener = (request, response) => {
    const route = findRoute(routes, request.url ?? '');
    if (route) setRouteHeaders(request, response, route.policy);
  };
  server.prependListener('request', listener);
  return routes;
}

/**
 * Finds the route that a URL leads to, the one with the most text if several
 * match. It accepts more than the routers do, e.g. `//` and other letter case:
 * the response is then a 404.
 */
export function findRoute<T extends { readonly paths: readonly string[] }>(
  routes: readonly T[],
  url: string,
): T | undefined {
  let [path] = url.replace(/^https?:\/\/[^/?#]*/i, '').split(/[?#;]/, 1);
  try {
    // As Fastify does before it looks for a route.
    path = decodeURI(path!);
  } catch {
    // The path as it is.
  }
  const segments = path!.toLowerCase().split('/').filter(Boolean);
  let found: T | undefined;
  let most = -1;
  for (const route of routes) {
    for (const each of route.paths) {
      const pattern = each.toLowerCase().split('/').filter(Boolean);
      let equal = 0;
      // `:name` stands for one segment, `*name` for the rest.
      const rest = pattern.findIndex((part) => part.includes('*'));
      const length = rest < 0 ? pattern.length : rest;
      if (rest < 0 && segments.length !== length) continue;
      for (let index = 0; index < length; index += 1) {
        if (pattern[index] === segments[index]) equal += 1;
        else if (!pattern[index]!.includes(':') || !segments[index])
          equal = NaN;
      }
      if (equal > most) [found, most] = [route, equal];
    }
  }
  return found;
}

/** The paths of a controller's routes in the app. Empty if this Nest does not tell. */
function resolvePaths(
  consumer: MiddlewareConsumer,
  controller: Type,
): string[] {
  const { routesMapper, routeInfoPathExtractor } =
    consumer as unknown as MiddlewareInternals;
  if (!routesMapper || !routeInfoPathExtractor) return [];
  const paths = routesMapper
    .mapRouteToRouteInfo(controller)
    .flatMap((route) => routeInfoPathExtractor.extractPathsFrom(route))
    .map((path) => trimTrailingSlashes(path) || '/');
  return [...new Set(paths)];
}

/** The parts of Nest's consumer that know the routes: not public, the same in Nest 10, 11 and 12. */
interface MiddlewareInternals {
  routesMapper?: { mapRouteToRouteInfo(controller: Type): object[] };
  routeInfoPathExtractor?: { extractPathsFrom(route: object): string[] };
}
