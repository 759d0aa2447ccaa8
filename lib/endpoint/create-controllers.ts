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
import { AUTHKIT_PATH } from '../authkit.constants.js';
import { AuthKitGrantGuard } from '../grant/grant.guard.js';
import { AuthKitIdentityGuard } from '../identity/authkit-identity.guard.js';
import { AuthKitExceptionFilter } from './authkit-exception.filter.js';
import {
  AuthKitController,
  AuthKitCorsController,
} from './authkit.controller.js';
import { decorateMethod } from './decorate-method.js';
import type { AuthKitControllerOptions } from './endpoint.options.js';
import { AuthKitGrantController } from './grant.controller.js';
import { grantOrGuards } from './grant-or-guards.js';
import { SameOriginGuard } from './same-origin.guard.js';

/** The controller classes of one registration. */
export interface AuthKitControllers {
  readonly token: Type<AuthKitController>;
  /** Where the registration has grants. */
  readonly grant?: Type<AuthKitGrantController>;
}

/**
 * Makes the controller classes of one registration. Each has its own: Nest keeps
 * path and guards on the class, where two registrations would overwrite each other.
 */
export function createControllers(
  options: AuthKitControllerOptions,
): AuthKitControllers {
  const token = createTokenController(options);
  return options.grants
    ? { token, grant: createGrantController(options) }
    : { token };
}

function createTokenController(
  options: AuthKitControllerOptions,
): Type<AuthKitController> {
  const { cors = true, tokenRouteDecorators = [] } = options;
  const Base: abstract new (...args: never[]) => AuthKitController = cors
    ? AuthKitCorsController
    : AuthKitController;

  class AuthKitTokenController extends (Base as Type<AuthKitController>) {
    // A function of its own: Nest keeps what decorators say of a route on it.
    override token(
      ...args: Parameters<AuthKitController['token']>
    ): Promise<void> {
      return super.token(...args);
    }
  }
  decorateMethod(AuthKitTokenController.prototype, 'token', [
    Post(),
    HttpCode(HttpStatus.OK),
    ...tokenRouteDecorators,
  ]);
  mount(AuthKitTokenController, pathOf(options), tokenGuards(options), options);
  return AuthKitTokenController;
}

function createGrantController(
  options: AuthKitControllerOptions,
): Type<AuthKitGrantController> {
  const { guards = [] } = options;
  class AuthKitTokenGrantController extends (AuthKitGrantController as Type<AuthKitGrantController>) {}
  mount(
    AuthKitTokenGrantController,
    `${pathOf(options)}/grant`,
    [SameOriginGuard, ...guards, AuthKitIdentityGuard],
    options,
  );
  return AuthKitTokenGrantController;
}

/** Without slashes at its end: what Nest makes of them differs from place to place. */
function pathOf({ path = AUTHKIT_PATH }: AuthKitControllerOptions): string {
  return path.replace(/\/+$/, '');
}

/** Who stands before the token route, and knows in the end whom the token is for. */
function tokenGuards({
  grants = false,
  guards = [],
}: AuthKitControllerOptions) {
  if (grants === 'optional') return [grantOrGuards(guards)];
  return grants ? [AuthKitGrantGuard] : [...guards, AuthKitIdentityGuard];
}

function mount(
  target: Type,
  path: string,
  guards: (Type<CanActivate> | CanActivate)[],
  { version, decorators = [] }: AuthKitControllerOptions,
): void {
  for (const decorate of [
    Controller({ path, version }),
    UseGuards(...guards),
    UseFilters(AuthKitExceptionFilter),
    ...decorators,
  ]) {
    decorate(target);
  }
}
