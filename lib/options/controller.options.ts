import type { CanActivate, ModuleMetadata, Type } from '@nestjs/common';
import { Allow, IsBoolean, IsIn, IsString } from 'class-validator';
import { formatType } from '../format-value.js';
import { Is, isNotBlank, validateOptions } from './validation.js';

/** The default path of the token route. */
export const DEFAULT_PATH = 'authkit-token';

/** The default path of the routes for connections. */
export const DEFAULT_CONNECTIONS_PATH = 'authkit-connections';

const isFunction = (value: unknown) => typeof value === 'function';

const isGuard = (value: unknown) =>
  isFunction(value) ||
  isFunction((value as Partial<CanActivate> | null)?.canActivate);

const IsListOf = (what: string, isEntry: (value: unknown) => boolean) =>
  Is(
    `a list of ${what}`,
    (value) => Array.isArray(value) && value.every(isEntry),
  );

/** Where the routes for connections are. */
export class AuthKitConnectionsRouteOptions {
  /**
   * The path of the routes, below the app's global prefix.
   * @default 'authkit-connections'
   */
  @IsString()
  path?: string = DEFAULT_CONNECTIONS_PATH;
}

/** Where the routes are and who may call them. Static: Nest needs it before any factory runs. */
export class AuthKitControllerOptions {
  /**
   * The path of the token route, below the app's global prefix.
   * @default 'authkit-token'
   */
  @IsString()
  path?: string = DEFAULT_PATH;

  /**
   * The version or versions of the routes, if the app uses versioning.
   * @default none
   */
  @Allow()
  version?: string | string[] | typeof import('@nestjs/common').VERSION_NEUTRAL;

  /**
   * The guards that authenticate the user, in order, before the identity is
   * extracted. The modules of what they inject belong in the `imports` of this
   * registration.
   * @default []
   */
  @IsListOf('guards, such as guards: [JwtAuthGuard]', isGuard)
  guards?: (Type<CanActivate> | CanActivate)[] = [];

  /**
   * Further class decorators for all controllers of this registration, e.g.
   * `SkipThrottle()` or `ApiExcludeController()`.
   * @default []
   */
  @IsListOf('decorators', isFunction)
  decorators?: ClassDecorator[] = [];

  /**
   * Whether the token route sends CORS headers of its own, for the vendor's
   * widget and the `allowedOrigins`. With `false` the app's settings apply.
   * @default true
   */
  @IsBoolean()
  cors?: boolean = true;

  /**
   * Whether the page fetches a grant first. `true` adds `POST <path>/grant`,
   * behind the `guards`, for pages of the same origin and the `pageOrigins`.
   * `POST <path>` then accepts grants only, without the `guards`. With
   * `'optional'` it accepts a grant or what the guards accept. Needs the
   * `grant.secret` option.
   * @default false
   */
  @IsIn([true, false, 'optional'])
  grants?: boolean | 'optional' = false;

  /**
   * Whether to mount the routes for the user's connections: `GET`, `GET :id`,
   * `PATCH :id`, `DELETE :id` and `POST`, behind the `guards`, for pages of the
   * same origin and the `pageOrigins`. A grant never opens them.
   * @default false
   */
  @Allow()
  connections?: boolean | AuthKitConnectionsRouteOptions;

  /**
   * Method decorators for the token route alone, e.g. the app's own `Public()`
   * for an `APP_GUARD` that does not know grants.
   * @default []
   */
  @IsListOf('decorators', isFunction)
  tokenRouteDecorators?: MethodDecorator[] = [];
}

/** Where the routes for connections are, with the defaults. */
export type ConnectionsRouteOptions = Required<AuthKitConnectionsRouteOptions>;

/** The options of the controller with their defaults. */
export interface ControllerOptions extends Required<
  Omit<AuthKitControllerOptions, 'version' | 'connections'>
> {
  version?: AuthKitControllerOptions['version'];
  connections?: ConnectionsRouteOptions;
}

/** What is beside the options or the factory. Static: Nest needs it before any factory runs. */
export interface AuthKitModuleExtras {
  /**
   * Whether the services and the guard can be injected everywhere without importing the module again.
   * @default false
   */
  isGlobal?: boolean;

  /**
   * Whether the routes are mounted: `true` for `POST /authkit-token`, or the settings of the routes.
   * @default false
   */
  controller?: boolean | AuthKitControllerOptions;

  /**
   * Modules whose providers the factory or the guards inject.
   * @default []
   */
  imports?: ModuleMetadata['imports'];

  /**
   * The name of the registration, for `InjectAuthKit(service, name)` in an app
   * with several. It is in the errors at boot.
   * @default none
   */
  name?: string;
}

/** The names of {@link AuthKitModuleExtras}. */
export const EXTRA_NAMES = ['isGlobal', 'controller', 'imports', 'name'];

/**
 * Validates what is beside the options or the factory.
 *
 * @param others further names beside a factory
 * @returns one sentence for each error
 */
export function validateExtras(
  imports: unknown,
  name: unknown,
  others: readonly string[],
): string[] {
  const errors = others.map(
    (other) =>
      `${other}: it is none of useFactory, useClass, useExisting, inject, ${EXTRA_NAMES.join(', ')}; ` +
      'an option of the module belongs into what the factory returns.',
  );
  if (!Array.isArray(imports)) {
    errors.push(
      `imports: given ${formatType(imports)}; it must be a list of modules.`,
    );
  }
  if (name !== undefined && !isNotBlank(name)) {
    errors.push(
      `name: given ${formatType(name)}; it must be a string that is not empty.`,
    );
  }
  return errors;
}

/**
 * Validates the options of the controller and fills in the defaults.
 *
 * @returns no options if there is no controller, or they are invalid
 */
export function resolveControllerOptions(
  given: AuthKitModuleExtras['controller'],
): { options?: ControllerOptions; errors: string[] } {
  const errors: string[] = [];
  if (!given) return { errors };
  const resolve = <T extends object>(
    Options: new () => T,
    written: boolean | T,
    path: string,
  ) => validateOptions(Options, written === true ? {} : written, errors, path);
  const { connections, ...options } = resolve(
    AuthKitControllerOptions,
    given,
    'controller',
  );
  const routes =
    connections &&
    resolve(
      AuthKitConnectionsRouteOptions,
      connections,
      'controller.connections',
    );
  if (errors.length > 0) return { errors };
  return {
    options: {
      ...options,
      connections: routes || undefined,
    } as ControllerOptions,
    errors,
  };
}
