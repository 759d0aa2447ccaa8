import type {
  IncomingMessage,
  RequestListener,
  Server,
  ServerResponse,
} from 'node:http';
import {
  VERSION_NEUTRAL,
  VersioningType,
  type HttpServer,
  type MiddlewareConsumer,
  type Type,
  type VersioningOptions,
} from '@nestjs/common';
import onHeaders from 'on-headers';
import {
  ofRegistration,
  type ResolvedOptions,
} from '../options/resolve-options.js';
import { trimTrailingSlashes } from '../options/trim-slashes.js';
import { createWarnOnce } from '../warn-once.js';
import {
  isPreflight,
  logRefusal,
  overrideCors,
  tokenOrigins,
  type RoutePolicy,
} from './cors.js';
import type { AuthKitControllers } from './create-controllers.js';
import { AuthKitCorsTokenController } from './token.controller.js';

/** A route of a registration. */
interface Route extends RoutePolicy {
  /** The route, and the registration if it has a name, e.g. `the token route`. */
  readonly description: string;
  /** Those that share a path, `['']` if the app tells none apart. */
  readonly versions: readonly string[];
}

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
 * @throws {Error} if two routes have the same path
 */
export function applyRoutes(
  consumer: MiddlewareConsumer,
  { token, grant, connections }: AuthKitControllers,
  options: ResolvedOptions,
  adapter: HttpServer | undefined,
): void {
  const warnOnce = createWarnOnce();
  const routes = routesOf(adapter?.getHttpServer() ?? {});
  const ofWidget = {
    origins: tokenOrigins(options),
    option: 'allowedOrigins',
    // Grants and bearers come in a header.
    credentials: false,
  } as const;
  const ofPages = {
    origins: options.pageOrigins,
    option: 'pageOrigins',
    credentials: true,
  } as const;
  const isOwnCors = token.prototype instanceof AuthKitCorsTokenController;
  for (const { controller, name, cors } of [
    {
      controller: token,
      name: 'the token route',
      cors: isOwnCors ? { ...ofWidget, methods: ['POST'] } : null,
    },
    {
      controller: grant,
      name: 'the grant route',
      cors: { ...ofPages, methods: ['POST'] },
    },
    {
      controller: connections,
      name: 'the routes for connections',
      cors: { ...ofPages, methods: ['GET', 'POST', 'PATCH', 'DELETE'] },
    },
  ]) {
    if (!controller) continue;
    const own: Route = {
      ...placeOf(consumer, controller),
      description: `${name}${ofRegistration(options.registration)}`,
      cors,
      takesGrants: controller === token && grant !== undefined,
      warnOnce,
    };
    assertNoConflict(own, routes, adapter?.getType() === 'express');
    routes.push(own);
    const middleware = (
      request: IncomingMessage & { originalUrl?: string },
      response: RouteResponse,
      next: () => void,
    ): void => {
      // Set by the listener already, unless the request has bypassed the server.
      if (!response[POLICY]) {
        const url = request.originalUrl ?? request.url ?? '';
        // Fastify runs the middleware of every route that the path matches.
        setRouteHeaders(request, response, findRoute(routes, url) ?? own);
      }
      if (!response[POLICY]?.cors || !isPreflight(request)) return next();
      response.statusCode = 204;
      response.setHeader('Content-Length', '0');
      response.end();
    };
    consumer.apply(middleware).forRoutes(controller);
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

/** The routes of a server. The first call adds the listener that sets their headers. */
function routesOf(server: Partial<Server> & { [ROUTES]?: Route[] }): Route[] {
  if (server[ROUTES]) return server[ROUTES];
  const routes: Route[] = (server[ROUTES] = []);
  const listener: RequestListener = (request, response) => {
    const route = findRoute(routes, request.url ?? '');
    if (route) setRouteHeaders(request, response, route);
  };
  server.prependListener?.('request', listener);
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

/**
 * Compares a route with those that are mounted. Of two with the same path and
 * version, one would never be reached. On Express, a route without a version
 * gets the requests of every version.
 *
 * @throws {Error} that names both routes
 */
function assertNoConflict(
  { description, paths, versions }: Route,
  mounted: readonly Route[],
  isExpress: boolean,
): void {
  const lower = paths.map((path) => path.toLowerCase());
  for (const other of mounted) {
    const path = other.paths.find((each) => lower.includes(each.toLowerCase()));
    const isHidden = isExpress && other.versions.includes(NEUTRAL);
    const isSame = versions.some((each) => other.versions.includes(each));
    if (path === undefined || (!isSame && !isHidden)) continue;
    throw new Error(
      `AuthKitModule: two routes have the path ${path}${versions[0] && ` and the version ${versions.join(', ')}`}: ${other.description} and ${description}` +
        `${other.description === description ? ' of another registration' : ''}. ` +
        'Give one of them a path of its own: controller.path or controller.connections.path.' +
        `${isHidden ? ' Or import the registration with versions first.' : ''}`,
    );
  }
}

const NEUTRAL = 'neutral';

/** The paths of a controller's routes in the app, with prefixes, and the versions that share them. */
function placeOf(
  consumer: MiddlewareConsumer,
  controller: Type,
): Pick<Route, 'paths' | 'versions'> {
  const { routesMapper, routeInfoPathExtractor: extractor } =
    consumer as unknown as MiddlewareInternals;
  if (!routesMapper || !extractor) return { paths: [], versions: [''] };
  const paths = routesMapper
    .mapRouteToRouteInfo(controller)
    .flatMap((route) => extractor.extractPathsFrom(route))
    .map((path) => trimTrailingSlashes(path) || '/');
  const { versioningConfig: config } = extractor;
  // With URI versioning, the paths have the versions.
  const versions: unknown[] =
    !config || config.type === VersioningType.URI
      ? ['']
      : [
          Reflect.getMetadata('__version__', controller) ??
            config.defaultVersion ??
            VERSION_NEUTRAL,
        ].flat();
  return {
    paths: [...new Set(paths)],
    versions: versions.map((each) =>
      each === VERSION_NEUTRAL ? NEUTRAL : String(each),
    ),
  };
}

/** The parts of Nest's consumer that know the routes: not public, the same in Nest 10, 11 and 12. */
interface MiddlewareInternals {
  routesMapper?: { mapRouteToRouteInfo(controller: Type): object[] };
  routeInfoPathExtractor?: {
    extractPathsFrom(route: object): string[];
    versioningConfig?: VersioningOptions;
  };
}
