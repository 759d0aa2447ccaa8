import type { CanActivate, ModuleMetadata, Type } from '@nestjs/common';
import {
  Allow,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  ValidateNested,
} from 'class-validator';
import { formatType } from '../format-value.js';
import { Is, validateOptions } from './validation.js';

/** The default path of the token route. */
export const DEFAULT_PATH = 'authkit-token';

/** The default path of the routes for connections. */
export const DEFAULT_CONNECTIONS_PATH = 'authkit-connections';

const isGuard = (value: unknown): boolean =>
  typeof value === 'function' ||
  typeof (value as Partial<CanActivate> | null)?.canActivate === 'function';

const IsListOfDecorators = () =>
  Is(
    'a list of decorators',
    (value) =>
      Array.isArray(value) &&
      value.every((decorator) => typeof decorator === 'function'),
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

  /** The version or versions of the routes, where the app uses versioning. */
  @Allow()
  version?: string | string[] | typeof import('@nestjs/common').VERSION_NEUTRAL;

  /**
   * The guards that authenticate the user, in order. They run before the
   * identity is extracted. The modules of what they inject belong in the
   * `imports` of this registration.
   * @default []
   */
  @Is(
    'a list of guards, such as guards: [JwtAuthGuard]',
    (value) => Array.isArray(value) && value.every(isGuard),
  )
  guards?: (Type<CanActivate> | CanActivate)[] = [];

  /**
   * Further class decorators for all controllers of this registration, e.g.
   * `SkipThrottle()` or `ApiExcludeController()`.
   * @default []
   */
  @IsListOfDecorators()
  decorators?: ClassDecorator[] = [];

  /**
   * Whether the token route sends CORS headers: for the vendor's widget and the
   * `allowedOrigins`, whatever the app's own CORS settings are. With `false`
   * the app's settings apply.
   * @default true
   */
  @IsBoolean()
  cors?: boolean = true;

  /**
   * Whether the page fetches a grant first. `true` adds `POST <path>/grant`,
   * behind the `guards`, for pages of the same origin. `POST <path>` then
   * accepts grants only, and the `guards` no longer run before it. With
   * `'optional'` it accepts a grant or whatever the guards accept. Needs the
   * `grant.secret` option.
   * @default false
   */
  @IsIn([true, false, 'optional'])
  grants?: boolean | 'optional' = false;

  /**
   * Whether to mount the routes for the user's connections: `GET`, `GET :id`,
   * `PATCH :id`, `DELETE :id` and `POST`, at `/authkit-connections` or another
   * `path`. They are behind the `guards`, for pages of the same origin and the
   * `pageOrigins`. A grant never opens them.
   * @default false
   */
  @IsOptional()
  @ValidateNested()
  connections?: boolean | AuthKitConnectionsRouteOptions;

  /**
   * Method decorators for the token route alone, e.g. the app's own `Public()`,
   * which opens the route where an `APP_GUARD` does not know grants.
   * @default []
   */
  @IsListOfDecorators()
  tokenRouteDecorators?: MethodDecorator[] = [];
}

/** Where the routes for connections are, with the defaults. */
export type ConnectionsRouteOptions = Required<AuthKitConnectionsRouteOptions>;

/** The options of the controller with their defaults. */
export type ControllerOptions = Required<
  Omit<AuthKitControllerOptions, 'version' | 'connections'>
> &
  Pick<AuthKitControllerOptions, 'version'> & {
    connections?: ConnectionsRouteOptions;
  };

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

  /** Modules whose providers the factory or the guards inject. */
  imports?: ModuleMetadata['imports'];

  /**
   * The name of the registration, for `InjectAuthKit(service, name)` and
   * `getAuthKitProviderToken(service, name)`, where an app has several. It is in
   * the errors at boot.
   * @default none
   */
  name?: string;
}

/** What is beside a factory. */
const FACTORY_NAMES = [
  'useFactory',
  'useClass',
  'useExisting',
  'inject',
  'provideInjectionTokensFrom',
];

/** The names of {@link AuthKitModuleExtras}. */
export const EXTRA_NAMES = ['isGlobal', 'controller', 'imports', 'name'];

/** What a registration has beside the options of the controller and the options of the module. */
export interface GivenExtras {
  readonly imports: unknown;
  readonly name: unknown;
  /** What stands beside the factory, by name; `undefined` with `forRoot()`. */
  readonly besideFactory?: readonly string[];
  /** Whether there is a factory. */
  readonly hasFactory: boolean;
}

/**
 * Validates what is beside the options or the factory.
 *
 * @returns one sentence for each error
 */
export function validateExtras({
  imports,
  name,
  besideFactory = [],
  hasFactory,
}: GivenExtras): string[] {
  const known = [...FACTORY_NAMES, ...EXTRA_NAMES];
  const errors = besideFactory
    .filter((given) => !known.includes(given))
    .map(
      (given) =>
        `${given}: it is none of ${known.join(', ')}, which may be beside the factory. ` +
        `An option of the module belongs into what the factory returns: forRootAsync({ useFactory: () => ({ ${given}: … }) }).`,
    );
  if (!hasFactory) {
    errors.push(
      'useFactory: given nothing; it must be a factory, or pass useClass or useExisting.',
    );
  }
  if (!Array.isArray(imports)) {
    errors.push(
      `imports: given ${formatType(imports)}; it must be a list of modules, such as imports: [AuthModule].`,
    );
  }
  if (name !== undefined && (typeof name !== 'string' || name.trim() === '')) {
    errors.push(
      `name: given ${formatType(name)}; it must be a string that is not empty.`,
    );
  }
  return errors;
}

/**
 * Validates the options of the controller and fills in the defaults. An import
 * never fails: the errors are reported at boot, with those of all other options.
 *
 * @returns no options if there is no controller, or they are invalid
 */
export function resolveControllerOptions(
  given: AuthKitModuleExtras['controller'],
): { options?: ControllerOptions; errors: string[] } {
  if (given === undefined || given === null || given === false) {
    return { errors: [] };
  }
  const { options, errors } = validateOptions(
    AuthKitControllerOptions,
    given === true ? {} : withConnections(given),
    {
      path: 'controller',
      groups: { 'controller.connections': AuthKitConnectionsRouteOptions },
    },
  );
  if (errors.length > 0) return { errors };
  return { options: options as ControllerOptions, errors };
}

/** `true` stands for the default settings, `false` for none. */
function withConnections(
  controller: AuthKitControllerOptions,
): AuthKitControllerOptions {
  const { connections } = controller;
  if (typeof connections !== 'boolean') return controller;
  return { ...controller, connections: connections ? {} : undefined };
}
