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
  const patterns = paths.map((path) => createPattern(path, rules));
  return (url: string): boolean => {
    const path = normalizePath(url, rules);
    return path !== undefined && patterns.some((matches) => matches(path));
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

/** A part of a route's path. */
type PathPart =
  | { readonly kind: 'text'; readonly text: string }
  /** `:name`: one or more characters other than slashes. */
  | { readonly kind: 'parameter' }
  /** `*name`: any characters. */
  | { readonly kind: 'wildcard' };

/**
 * Compares a path with that of a route as the routers do, with `:name` and
 * `*name` parts. It takes time linear in the length of the path, which comes
 * with every request of the server: a regular expression with several such
 * parts does not.
 */
function createPattern(
  route: string,
  { isCaseSensitive, ignoresTrailingSlash }: RouterRules,
): (path: string) => boolean {
  const fold = (text: string) => (isCaseSensitive ? text : text.toLowerCase());
  const parts = parsePath(fold(route.replace(/\/$/, '')));
  return (path) => {
    const folded = fold(path);
    return (
      matchesParts(parts, folded) ||
      (ignoresTrailingSlash &&
        folded.endsWith('/') &&
        matchesParts(parts, folded.slice(0, -1)))
    );
  };
}

function parsePath(route: string): PathPart[] {
  return route
    .split(/(:\w+|\*\w*)/)
    .filter((text, index) => text !== '' || index === 0)
    .map((text, index): PathPart => {
      if (index > 0 && text.startsWith('*')) return { kind: 'wildcard' };
      if (index > 0 && /^:\w/.test(text)) return { kind: 'parameter' };
      return { kind: 'text', text };
    });
}

/** Goes through the parts once, with all positions at which the parts so far may end. */
function matchesParts(
  [first, ...rest]: readonly PathPart[],
  path: string,
): boolean {
  // The first part is a text. Most requests lead elsewhere, and most routes have no other part.
  const { text } = first as { text: string };
  if (rest.length === 0) return path === text;
  if (!path.startsWith(text)) return false;
  let ends = new Uint8Array(path.length + 1);
  ends[text.length] = 1;
  for (const part of rest) ends = advance(ends, part, path);
  return ends[path.length] === 1;
}

/** The positions at which a part may end, from those at which it may begin. */
function advance(
  starts: Uint8Array<ArrayBuffer>,
  part: PathPart,
  path: string,
): Uint8Array<ArrayBuffer> {
  const ends = new Uint8Array(path.length + 1);
  let isInside = false;
  for (let at = 0; at <= path.length; at += 1) {
    const isStart = starts[at] === 1;
    if (part.kind === 'text') {
      if (isStart && path.startsWith(part.text, at)) {
        ends[at + part.text.length] = 1;
      }
    } else if (part.kind === 'wildcard') {
      isInside ||= isStart;
      if (isInside) ends[at] = 1;
    } else {
      isInside = (isInside || isStart) && path[at] !== '/';
      if (isInside && at < path.length) ends[at + 1] = 1;
    }
  }
  return ends;
}
