import {
  Controller,
  HttpCode,
  HttpStatus,
  Post,
  UseFilters,
  UseGuards,
  type CanActivate,
  type Type,
} from '@nestjs/common';
import { AuthKitGrantGuard } from '../grant/grant.guard.js';
import { AuthKitIdentityGuard } from '../identity/authkit-identity.guard.js';
import {
  DEFAULT_CONNECTIONS_PATH,
  DEFAULT_PATH,
  type ControllerOptions,
} from '../options/controller.options.js';
import { trimTrailingSlashes } from '../options/trim-slashes.js';

import { AuthKitExceptionFilter } from './authkit-exception.filter.js';
import { AuthKitConnectionsController } from './connections.controller.js';
import { AuthKitGrantController } from './grant.controller.js';
import { createOptionalGrantGuard } from './optional-grant.guard.js';
import { DescribeRoute, tagController, TOKEN_ROUTE } from './openapi.js';
import { AllowedOriginGuard, PageOriginGuard } from './page-origin.guard.js';
import {
  AuthKitCorsTokenController,
  AuthKitTokenController,
} from './token.controller.js';

/** The paths that need no mention in the name of a class. */
const DEFAULT_PATHS: readonly string[] = [
  DEFAULT_PATH,
  `${DEFAULT_PATH}/grant`,
  DEFAULT_CONNECTIONS_PATH,
];

type Guard = Type<CanActivate> | CanActivate;

/** The controller classes of one registration. */
export interface AuthKitControllers {
  readonly token: Type<AuthKitTokenController>;
  /** If the registration has grants. */
  readonly grant?: Type<AuthKitGrantController>;
  /** If the registration has routes for connections. */
  readonly connections?: Type<AuthKitConnectionsController>;
}

/** Creates the controller classes of one registration. */
export function createControllers(
  options: ControllerOptions,
): AuthKitControllers {
  const { grants, connections, guards } = options;
  // Nest treats slashes at the end differently from place to place.
  const path = trimTrailingSlashes(options.path);
  const ofPages = [PageOriginGuard, ...guards, AuthKitIdentityGuard];
  return {
    token: createTokenController(path, options),
    ...(grants && {
      grant: createController(
        AuthKitGrantController,
        'AuthKitGrantController',
        `${path}/grant`,
        ofPages,
        options,
      ),
    }),
    ...(connections && {
      connections: createController(
        AuthKitConnectionsController,
        'AuthKitConnectionsController',
        trimTrailingSlashes(connections.path),
        ofPages,
        options,
      ),
    }),
  };
}

function createTokenController(
  path: string,
  options: ControllerOptions,
): Type<AuthKitTokenController> {
  const TokenController = createController(
    options.cors ? AuthKitCorsTokenController : AuthKitTokenController,
    'AuthKitTokenController',
    path,
    tokenGuards(options),
    options,
  );
  const prototype: AuthKitTokenController = TokenController.prototype;
  const { token } = AuthKitTokenController.prototype;
  // A function of its own: Nest stores the metadata of a route on it.
  prototype.token = function (
    this: AuthKitTokenController,
    ...args: Parameters<typeof token>
  ) {
    return token.apply(this, args);
  };
  const decorators: MethodDecorator[] = [
    Post(),
    HttpCode(HttpStatus.OK),
    ...options.tokenRouteDecorators,
    // Applied first: the app's own descriptions take precedence.
    DescribeRoute(TOKEN_ROUTE),
  ];
  for (const decorate of decorators.reverse()) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, 'token')!;
    const decorated = decorate(prototype, 'token', descriptor);
    Object.defineProperty(prototype, 'token', decorated ?? descriptor);
  }
  return TokenController;
}

/** The guards of the token route. The last one stores the identity. */
function tokenGuards({ grants, guards }: ControllerOptions): Guard[] {
  if (grants === 'optional') return [createOptionalGrantGuard(guards)];
  if (grants) return [AuthKitGrantGuard];
  return [AllowedOriginGuard, ...guards, AuthKitIdentityGuard];
}

/**
 * Creates a class for one registration. Nest stores path and guards on the
 * class, where two registrations would overwrite each other.
 *
 * OpenAPI documents make operation ids of its name, which must be unique:
 * registrations differ in path or version. The name is given, since a bundler
 * may shorten that of the class.
 */
function createController<T>(
  Base: abstract new (...args: never[]) => T,
  name: string,
  path: string,
  guards: readonly Guard[],
  { version, decorators }: ControllerOptions,
): Type<T> {
  class AuthKitController extends (Base as unknown as Type<object>) {}
  for (const decorate of [
    Controller({ path, version }),
    UseGuards(...guards),
    UseFilters(AuthKitExceptionFilter),
    ...decorators,
  ]) {
    decorate(AuthKitController);
  }
  tagController(AuthKitController);
  const versions = [version ?? []].flat().map(String);
  const isDefault = versions.length === 0 && DEFAULT_PATHS.includes(path);
  const place = [path, ...versions].join('#').replace(/\W+/g, '_');
  setClassName(AuthKitController, isDefault ? name : `${name}_${place}`);
  return AuthKitController as Type<T>;
}

function setClassName(target: Type, name: string): void {
  Object.defineProperty(target, 'name', { value: name, configurable: true });
}

/**
 * Gives a class another name if one before it has the same: registrations of
 * the same path and version in modules whose paths differ (`RouterModule`).
 *
 * @param controllers the classes of all registrations of an app
 */
export function ensureUniqueNames(controllers: Iterable<Type>): void {
  const names = new Set<string>();
  for (const controller of new Set(controllers)) {
    const { name } = controller;
    let unique = name;
    for (let n = 2; names.has(unique); n += 1) unique = `${name}_${n}`;
    names.add(unique);
    if (unique !== name) setClassName(controller, unique);
  }
}
