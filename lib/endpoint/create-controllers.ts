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
  type ConnectionsRouteOptions,
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

/** The controller classes of one registration. */
export interface AuthKitControllers {
  readonly token: Type<AuthKitTokenController>;
  /** Where the registration has grants. */
  readonly grant?: Type<AuthKitGrantController>;
  /** Where the registration has routes for connections. */
  readonly connections?: Type<AuthKitConnectionsController>;
}

/**
 * Creates the controller classes of one registration. Each registration has
 * classes of its own: Nest stores path and guards on the class, where two
 * registrations would overwrite each other.
 */
export function createControllers(
  options: ControllerOptions,
): AuthKitControllers {
  return {
    token: createTokenController(options),
    ...(options.grants && { grant: createGrantController(options) }),
    ...(options.connections && {
      connections: createConnectionsController(options, options.connections),
    }),
  };
}

function createTokenController(
  options: ControllerOptions,
): Type<AuthKitTokenController> {
  const Base: abstract new (...args: never[]) => AuthKitTokenController =
    options.cors ? AuthKitCorsTokenController : AuthKitTokenController;

  class TokenController extends (Base as Type<AuthKitTokenController>) {
    // A function of its own: Nest stores the metadata of a route on it.
    override token(
      ...args: Parameters<AuthKitTokenController['token']>
    ): Promise<void> {
      return super.token(...args);
    }
  }
  decorateMethod(TokenController.prototype, 'token', [
    Post(),
    HttpCode(HttpStatus.OK),
    ...options.tokenRouteDecorators,
    // Applied first: the app's own descriptions take precedence.
    DescribeRoute(TOKEN_ROUTE),
  ]);
  // Nest treats slashes at the end differently from place to place.
  decorateClass(
    TokenController,
    'AuthKitTokenController',
    trimTrailingSlashes(options.path),
    tokenGuards(options),
    options,
  );
  return TokenController;
}

function createGrantController(
  options: ControllerOptions,
): Type<AuthKitGrantController> {
  class GrantController extends (AuthKitGrantController as Type<AuthKitGrantController>) {}
  decorateClass(
    GrantController,
    'AuthKitGrantController',
    `${trimTrailingSlashes(options.path)}/grant`,
    [PageOriginGuard, ...options.guards, AuthKitIdentityGuard],
    options,
  );
  return GrantController;
}

function createConnectionsController(
  options: ControllerOptions,
  { path }: ConnectionsRouteOptions,
): Type<AuthKitConnectionsController> {
  class ConnectionsController extends (AuthKitConnectionsController as Type<AuthKitConnectionsController>) {}
  decorateClass(
    ConnectionsController,
    'AuthKitConnectionsController',
    trimTrailingSlashes(path),
    [PageOriginGuard, ...options.guards, AuthKitIdentityGuard],
    options,
  );
  return ConnectionsController;
}

/** The guards of the token route. The last one stores the identity. */
function tokenGuards({ grants, guards }: ControllerOptions) {
  if (grants === 'optional') return [createOptionalGrantGuard(guards)];
  if (grants) return [AuthKitGrantGuard];
  return [AllowedOriginGuard, ...guards, AuthKitIdentityGuard];
}

function decorateClass(
  target: Type,
  name: string,
  path: string,
  guards: (Type<CanActivate> | CanActivate)[],
  { version, decorators }: ControllerOptions,
): void {
  for (const decorate of [
    Controller({ path, version }),
    UseGuards(...guards),
    UseFilters(AuthKitExceptionFilter),
    ...decorators,
  ]) {
    decorate(target);
  }
  tagController(target);
  nameController(target, name, path, version);
}

/**
 * Names the class of a controller. OpenAPI documents make operation ids of it,
 * which must be unique: registrations differ in path or version. The `name` is
 * given, since a bundler may shorten that of the class.
 */
function nameController(
  target: Type,
  name: string,
  path: string,
  version: ControllerOptions['version'],
): void {
  const versions = [version ?? []].flat().map(String);
  const isDefault = versions.length === 0 && DEFAULT_PATHS.includes(path);
  const place = [path, ...versions].join('#').replace(/\W+/g, '_');
  setClassName(target, isDefault ? name : `${name}_${place}`);
}

function setClassName(target: Type, name: string): void {
  Object.defineProperty(target, 'name', { value: name, configurable: true });
}

/**
 * Gives a class another name where one before it has the same: registrations of
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

/** Applies decorators as `@first @second method() {}` does, the last one first. */
function decorateMethod(
  prototype: object,
  name: string,
  decorators: readonly MethodDecorator[],
): void {
  const original = Object.getOwnPropertyDescriptor(prototype, name)!;
  const decorated = decorators.reduceRight(
    (descriptor, decorate) =>
      (decorate(prototype, name, descriptor) as
        PropertyDescriptor | undefined) ?? descriptor,
    original,
  );
  Object.defineProperty(prototype, name, decorated);
}
