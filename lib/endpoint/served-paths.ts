import type { MiddlewareConsumer, Type } from '@nestjs/common';

/** The parts of Nest's consumer that know the routes: not public, the same in Nest 10, 11 and 12. */
interface RouteKnowledge {
  routesMapper?: { mapRouteToRouteInfo(controller: Type): object[] };
  routeInfoPathExtractor?: { extractPathsFrom(route: object): string[] };
}

/**
 * The paths at which the app serves a controller: with its global prefix,
 * versions and `RouterModule` paths. Empty where this Nest does not tell.
 */
export function servedPaths(
  consumer: MiddlewareConsumer,
  controller: Type,
): string[] {
  const { routesMapper, routeInfoPathExtractor } =
    consumer as unknown as RouteKnowledge;
  if (!routesMapper || !routeInfoPathExtractor) return [];
  const paths = routesMapper
    .mapRouteToRouteInfo(controller)
    .flatMap((route) => routeInfoPathExtractor.extractPathsFrom(route));
  return [...new Set(paths)];
}
