import type { HttpServer, MiddlewareConsumer, Type } from '@nestjs/common';

/** The parts of Nest's consumer that know the routes: not public, the same in Nest 10, 11 and 12. */
interface MiddlewareInternals {
  routesMapper?: { mapRouteToRouteInfo(controller: Type): object[] };
  routeInfoPathExtractor?: { extractPathsFrom(route: object): string[] };
}

/**
 * The paths of a controller's routes in the app: with its global prefix,
 * versions and `RouterModule` paths. Empty where this Nest does not tell.
 */
export function resolveRoutePaths(
  consumer: MiddlewareConsumer,
  controller: Type,
): string[] {
  const { routesMapper, routeInfoPathExtractor } =
    consumer as unknown as MiddlewareInternals;
  if (!routesMapper || !routeInfoPathExtractor) return [];
  const paths = routesMapper
    .mapRouteToRouteInfo(controller)
    .flatMap((route) => routeInfoPathExtractor.extractPathsFrom(route));
  return [...new Set(paths)];
}

/** How the router of a platform compares paths. */
interface RouterRules {
  readonly isCaseSensitive: boolean;
  readonly ignoresTrailingSlash: boolean;
  readonly ignoresDuplicateSlashes: boolean;
  /** Whether `;` begins the query, as `?` does. */
  readonly hasSemicolonQuery: boolean;
  /** Whether `%2D` is `-`. Reserved characters are never decoded. */
  readonly isDecoded: boolean;
}

/** The settings of a platform that change its rules. */
interface PlatformInstance {
  /** Express. */
  enabled?(setting: string): boolean;
  /** Fastify. */
  readonly version?: string;
  readonly initialConfig?: FastifyRouterOptions & {
    routerOptions?: FastifyRouterOptions;
  };
}

interface FastifyRouterOptions {
  caseSensitive?: boolean;
  ignoreTrailingSlash?: boolean;
  ignoreDuplicateSlashes?: boolean;
  useSemicolonDelimiter?: boolean;
}

/** Returns whether the URL of a request leads to one of some paths, by the rules of the platform's router. */
export function createPathMatcher(
  adapter: HttpServer,
  paths: readonly string[],
): (url: string) => boolean {
  let matcher: ((url: string) => boolean) | undefined;
  return (url) => {
    // Apps change the settings of Express after the module is set up.
    matcher ??= createMatcher(rulesOf(adapter.getInstance()), paths);
    return matcher(url);
  };
}

function createMatcher(rules: RouterRules, paths: readonly string[]) {
  const patterns = paths.map((path) => toPattern(path, rules));
  return (url: string): boolean => {
    const path = normalizePath(url, rules);
    return path !== undefined && patterns.some((pattern) => pattern.test(path));
  };
}

function rulesOf(instance: PlatformInstance): RouterRules {
  const { initialConfig } = instance;
  if (!initialConfig) {
    return {
      isCaseSensitive: instance.enabled?.('case sensitive routing') ?? false,
      ignoresTrailingSlash: !instance.enabled?.('strict routing'),
      ignoresDuplicateSlashes: false,
      hasSemicolonQuery: false,
      isDecoded: false,
    };
  }
  const option = (name: keyof FastifyRouterOptions, byDefault: boolean) =>
    [initialConfig.routerOptions?.[name], initialConfig[name]].find(
      (value) => value !== undefined && value !== byDefault,
    ) ?? byDefault;
  return {
    isCaseSensitive: option('caseSensitive', true),
    ignoresTrailingSlash: option('ignoreTrailingSlash', false),
    ignoresDuplicateSlashes: option('ignoreDuplicateSlashes', false),
    hasSemicolonQuery: option(
      'useSemicolonDelimiter',
      /^4\./.test(instance.version ?? ''),
    ),
    isDecoded: true,
  };
}

/** The path of a request's URL; `undefined` where it cannot be decoded. */
function normalizePath(url: string, rules: RouterRules): string | undefined {
  let path = url.replace(/^https?:\/\/[^/?#]*/i, '');
  const end = path.search(rules.hasSemicolonQuery ? /[?#;]/ : /[?#]/);
  if (end >= 0) path = path.slice(0, end);
  if (rules.ignoresDuplicateSlashes) path = path.replaceAll(/\/{2,}/g, '/');
  if (!rules.isDecoded) return path;
  try {
    return decodeURI(path);
  } catch {
    return undefined;
  }
}

/** The path of a route as the routers match it, with `:name` and `*name` parts. */
function toPattern(
  path: string,
  { isCaseSensitive, ignoresTrailingSlash }: RouterRules,
): RegExp {
  const source = path
    .replace(/\/$/, '')
    .replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/:\w+/g, '[^/]+')
    .replaceAll(/\*\w*/g, '.*');
  return new RegExp(
    `^${source}${ignoresTrailingSlash ? '/?' : ''}$`,
    isCaseSensitive ? '' : 'i',
  );
}
