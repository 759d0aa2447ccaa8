import type { CanActivate, ModuleMetadata, Type } from '@nestjs/common';
import { Allow, IsBoolean, IsIn, IsString } from 'class-validator';
import { Is, IsNotBlank, validateOptions } from './validation.js';

export const DEFAULT_PATH = 'authkit-token';
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
  /** The path of the routes, below the app's global prefix. @default 'authkit-connections' */
  @IsString()
  path?: string = DEFAULT_CONNECTIONS_PATH;
}

/** Where the routes are and who may call them. Static: Nest needs it before any factory runs. */
export class AuthKitControllerOptions {
  /** The path of the token route, below the app's global prefix. @default 'authkit-token' */
  @IsString()
  path?: string = DEFAULT_PATH;

  /** The version or versions of the routes, if the app uses versioning. @default none */
  @Allow()
  version?: string | string[] | typeof import('@nestjs/common').VERSION_NEUTRAL;

  /** The guards that authenticate the user, in order. @default [] */
  @IsListOf('guards, such as guards: [JwtAuthGuard]', isGuard)
  guards?: (Type<CanActivate> | CanActivate)[] = [];

  /** Class decorators for all controllers, e.g. `ApiExcludeController()`. @default [] */
  @IsListOf('decorators', isFunction)
  decorators?: ClassDecorator[] = [];

  /** Whether the token route has CORS headers of its own, not those of the app. @default true */
  @IsBoolean()
  cors?: boolean = true;

  /**
   * Whether the page fetches a grant first, by `POST <path>/grant` behind the
   * `guards`. `POST <path>` then accepts grants only, or with `'optional'` also
   * what the guards accept. Needs the `grant.secret` option.
   * @default false
   */
  @IsIn([true, false, 'optional'])
  grants?: boolean | 'optional' = false;

  /** Whether to mount the routes for the user's connections, behind the `guards`. @default false */
  @Allow()
  connections?: boolean | AuthKitConnectionsRouteOptions;

  /** Method decorators for the token route, e.g. `Public()` for an `APP_GUARD`. @default [] */
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
export class AuthKitModuleExtras {
  /** Whether the services can be injected without importing the module again. @default false */
  @IsBoolean()
  isGlobal?: boolean = false;

  /** `true` for the route `POST /authkit-token`, or the settings of the routes. @default false */
  @Allow()
  controller?: boolean | AuthKitControllerOptions;

  /** Modules whose providers the factory or the guards inject. @default [] */
  @Is('a list of modules', Array.isArray)
  imports?: ModuleMetadata['imports'];

  /** The name of the registration, for `InjectAuthKit(service, name)` and errors. @default none */
  @IsNotBlank()
  name?: string;
}

/** The names of {@link AuthKitModuleExtras}. */
export const EXTRA_NAMES = ['isGlobal', 'controller', 'imports', 'name'];

/**
 * Validates what is beside the options or the factory.
 *
 * @returns one sentence for each error
 */
export function validateExtras(given: object): string[] {
  const errors: string[] = [];
  validateOptions(
    AuthKitModuleExtras,
    given,
    errors,
    '',
    () =>
      `it is none of useFactory, useClass, useExisting, inject, ${EXTRA_NAMES.join(', ')}; ` +
      'an option of the module belongs into what the factory returns.',
  );
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
  const options = validateOptions(
    AuthKitControllerOptions,
    given === true ? {} : given,
    errors,
    'controller',
  );
  const { connections } = options;
  options.connections = connections
    ? validateOptions(
        AuthKitConnectionsRouteOptions,
        connections === true ? {} : connections,
        errors,
        'controller.connections',
      )
    : undefined;
  if (errors.length > 0) return { errors };
  return { options: options as ControllerOptions, errors };
}
