import {
  VERSION_NEUTRAL,
  VersioningType,
  type MiddlewareConsumer,
  type Type,
} from '@nestjs/common';

/** A route of a registration, as the error at boot describes it. */
export interface MountedRoute {
  /** The route, and the registration if it has a name, e.g. `the token route`. */
  readonly description: string;
  /** The option that sets its path. */
  readonly option: string;
  /** With the app's prefix, versions and module paths. */
  readonly paths: readonly string[];
  /** Those that share a path, `['']` if the app tells none apart. */
  readonly versions: readonly string[];
}

/**
 * Compares a route with those that are mounted. Of two with the same path and
 * version, one would never be reached. On Express, a route without a version
 * gets the requests of every version.
 *
 * @throws {Error} that names both routes and the option that sets the path
 */
export function assertNoConflict(
  { description, option, paths, versions }: MountedRoute,
  mounted: readonly MountedRoute[],
  isExpress: boolean,
): void {
  for (const other of mounted) {
    const path = paths.find((each) => other.paths.some(equals(each)));
    const isHidden = isExpress && other.versions.includes(NEUTRAL);
    const isSame = versions.some((each) => other.versions.includes(each));
    if (path === undefined || (!isSame && !isHidden)) continue;
    throw new Error(
      `AuthKitModule: two routes have the path ${path}${versions[0] && ` and the version ${versions.join(', ')}`}: ${other.description} and ${description}` +
        `${other.description === description ? ' of another registration' : ''}. ` +
        `Give one of them a path of its own: ${[...new Set([other.option, option])].join(' or ')}.` +
        `${isHidden ? ' Or import the registration with versions first.' : ''}`,
    );
  }
}

const equals = (path: string) => (other: string) =>
  path.toLowerCase() === other.toLowerCase();

const NEUTRAL = 'neutral';

/** The versions of a controller, if requests to the same path are told apart by them. */
export function versionsOf(
  consumer: MiddlewareConsumer,
  controller: Type,
): string[] {
  // Not public, the same in Nest 10, 11 and 12.
  const config = (consumer as { routeInfoPathExtractor?: VersioningInternals })
    .routeInfoPathExtractor?.versioningConfig;
  if (!config || config.type === VersioningType.URI) return [''];
  const versions: unknown =
    Reflect.getMetadata('__version__', controller) ?? config.defaultVersion;
  return [versions ?? VERSION_NEUTRAL]
    .flat()
    .map((version) =>
      version === VERSION_NEUTRAL ? NEUTRAL : String(version),
    );
}

interface VersioningInternals {
  versioningConfig?: {
    type: VersioningType;
    defaultVersion?: string | symbol | (string | symbol)[];
  };
}
