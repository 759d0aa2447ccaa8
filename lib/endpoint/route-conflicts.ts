import type { Server } from 'node:http';
import {
  VERSION_NEUTRAL,
  VersioningType,
  type HttpServer,
  type MiddlewareConsumer,
  type Type,
} from '@nestjs/common';
import { ofRegistration } from '../options/resolve-options.js';

/** The metadata in which Nest stores the version of a controller: not public, the same in Nest 10, 11 and 12. */
const VERSION_METADATA = '__version__';

/** The property of a server that holds the routes of all registrations. */
const CLAIMS = Symbol.for('nestjs-pica-authkit:route-claims');

/** One of the routes of a registration. */
export interface RouteClaim {
  /** What the route is, e.g. `the token route`. */
  readonly name: string;
  /** The option that sets its path. */
  readonly option: string;
  readonly controller: Type;
  /** Those that the app's prefix, versions and modules make of it. */
  readonly paths: readonly string[];
}

interface Claimed {
  /** The route, and the registration where it has a name. */
  readonly description: string;
  readonly option: string;
  readonly paths: readonly string[];
  /** Those that share the path; `undefined` where the version is in the path, or there is none. */
  readonly versions?: readonly string[];
}

/** The part of Nest's consumer that knows the versioning: not public, the same in Nest 10, 11 and 12. */
interface VersioningInternals {
  routeInfoPathExtractor?: {
    versioningConfig?: {
      type: VersioningType;
      defaultVersion?: string | symbol | (string | symbol)[];
    };
  };
}

/**
 * Compares the routes of a registration with each other and with those of the
 * application's other registrations. Of two with the same path and version, one
 * would never be reached.
 *
 * @throws {Error} that names both routes and the option that sets the path
 */
export function claimRoutes(
  routes: readonly RouteClaim[],
  registration: string | undefined,
  consumer: MiddlewareConsumer,
  adapter: HttpServer,
): void {
  const claims = claimsOf(adapter.getHttpServer());
  const isExpress = adapter.getType() === 'express';
  for (const { name, option, controller, paths: served } of routes) {
    const paths = served.map((path) => {
      const trimmed = path.replace(/(?<=.)\/$/, '');
      // Express compares paths without regard to case.
      return isExpress ? trimmed.toLowerCase() : trimmed;
    });
    const versions = versionsOf(consumer, controller);
    const description = `${name}${ofRegistration(registration)}`;
    for (const other of claims) {
      const path = paths.find((each) => other.paths.includes(each));
      if (path === undefined) continue;
      const isHidden = isExpress && other.versions?.includes(NEUTRAL);
      if (!isHidden && !overlap(versions, other.versions)) continue;
      throw new Error(
        `AuthKitModule: two routes have the path ${path}${formatVersions(versions)}: ${other.description} and ${description}` +
          `${other.description === description ? ' of another registration' : ''}. ` +
          `Give one of them a path of its own: ${[...new Set([other.option, option])].join(' or ')}.` +
          (isHidden
            ? ' Or import the registration with versions first: on Express, a route without a version gets the requests of every version.'
            : ''),
      );
    }
    claims.push({ description, option, paths, versions });
  }
}

function claimsOf(server: Server & { [CLAIMS]?: Claimed[] }): Claimed[] {
  return (server[CLAIMS] ??= []);
}

/** The versions of a controller, where requests to the same path are told apart by them. */
function versionsOf(
  consumer: MiddlewareConsumer,
  controller: Type,
): string[] | undefined {
  const { routeInfoPathExtractor } = consumer as unknown as VersioningInternals;
  const config = routeInfoPathExtractor?.versioningConfig;
  if (!config || config.type === VersioningType.URI) return undefined;
  const versions: unknown =
    Reflect.getMetadata(VERSION_METADATA, controller) ?? config.defaultVersion;
  return [versions ?? VERSION_NEUTRAL].flat().map(formatVersion);
}

/** Stands for requests of every version that no other route has. */
const NEUTRAL = 'neutral';

function formatVersion(version: unknown): string {
  return version === VERSION_NEUTRAL ? NEUTRAL : String(version);
}

function overlap(
  versions: readonly string[] | undefined,
  others: readonly string[] | undefined,
): boolean {
  if (!versions || !others) return true;
  return versions.some((version) => others.includes(version));
}

function formatVersions(versions: readonly string[] | undefined): string {
  return versions ? ` and the version ${versions.join(', ')}` : '';
}
