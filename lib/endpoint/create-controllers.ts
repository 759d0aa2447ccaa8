import {
  Controller,
  HttpCode,
  HttpStatus,
  Inject,
  Injectable,
  Post,
  UseFilters,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { hasGrantType } from '../grant/grant-jwt.js';
import { AuthKitGrantGuard, extractBearerToken } from '../grant/grant.guard.js';
import { GrantVerifier } from '../grant/grant-verifier.js';
import { AuthKitIdentityGuard } from '../identity/authkit-identity.guard.js';
import {
  DEFAULT_CONNECTIONS_PATH,
  DEFAULT_PATH,
  type ControllerOptions,
} from '../options/controller.options.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { trimTrailingSlashes } from '../options/trim-slashes.js';
import { AuthKitExceptionFilter } from './authkit-exception.filter.js';
import { AuthKitConnectionsController } from './connections.controller.js';
import { AuthKitGrantController } from './grant.controller.js';
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

/**
 * Creates the controller classes of one registration. Nest stores path and
 * guards on a class, where two registrations would overwrite each other.
 *
 * OpenAPI documents make operation ids of the names. So these have path and
 * version, and do not change with the order of the registrations.
 */
export function createControllers(
  options: ControllerOptions,
): AuthKitControllers {
  const { grants, connections, guards, cors, version, decorators } = options;
  const create = <T>(
    Base: abstract new (...args: never[]) => T,
    name: string,
    givenPath: string,
    ofRoute: readonly Guard[],
  ): Type<T> => {
    class AuthKitController extends (Base as unknown as Type<object>) {}
    // Nest treats slashes at the end differently from place to place.
    const path = trimTrailingSlashes(givenPath);
    for (const decorate of [
      Controller({ path, version }),
      UseGuards(...ofRoute),
      UseFilters(AuthKitExceptionFilter),
      ...decorators,
    ]) {
      decorate(AuthKitController);
    }
    tagController(AuthKitController);
    const versions = [version ?? []].flat().map(String);
    const isDefault = versions.length === 0 && DEFAULT_PATHS.includes(path);
    const place = [path, ...versions].join('#').replace(/\W+/g, '_');
    const value = isDefault ? name : `${name}_${place}`;
    Object.defineProperty(AuthKitController, 'name', { value });
    return AuthKitController as Type<T>;
  };

  const ofUsers = [...guards, AuthKitIdentityGuard];
  const ofPages = [PageOriginGuard, ...ofUsers];
  let ofToken: Guard[] = [AllowedOriginGuard, ...ofUsers];
  if (grants) ofToken = [AuthKitGrantGuard];
  if (grants === 'optional') ofToken = [createOptionalGrantGuard(ofUsers)];
  const token = create(
    cors ? AuthKitCorsTokenController : AuthKitTokenController,
    'AuthKitTokenController',
    options.path,
    ofToken,
  );
  addTokenRoute(token.prototype, options.tokenRouteDecorators);
  return {
    token,
    ...(grants && {
      grant: create(
        AuthKitGrantController,
        'AuthKitGrantController',
        `${trimTrailingSlashes(options.path)}/grant`,
        ofPages,
      ),
    }),
    ...(connections && {
      connections: create(
        AuthKitConnectionsController,
        'AuthKitConnectionsController',
        connections.path,
        ofPages,
      ),
    }),
  };
}

/** Gives a class a `token()` of its own: Nest stores the metadata of a route on the function. */
function addTokenRoute(
  prototype: AuthKitTokenController,
  decorators: readonly MethodDecorator[],
): void {
  const { token } = AuthKitTokenController.prototype;
  prototype.token = function (
    this: AuthKitTokenController,
    ...args: Parameters<typeof token>
  ) {
    return token.apply(this, args);
  };
  for (const decorate of [
    // First, so that the app's own descriptions take precedence.
    DescribeRoute(TOKEN_ROUTE),
    ...[...decorators].reverse(),
    HttpCode(HttpStatus.OK),
    Post(),
  ]) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, 'token')!;
    const decorated = decorate(prototype, 'token', descriptor);
    Object.defineProperty(prototype, 'token', decorated ?? descriptor);
  }
}

/**
 * Creates the guard of `grants: 'optional'`: a bearer that claims to be a grant
 * must be a valid one; every other request goes through the
 * {@link AllowedOriginGuard} and the guards of the app. These come from the
 * module, where the grant route has put them, so that `overrideGuard()` of a
 * test replaces them.
 */
function createOptionalGrantGuard(guards: readonly Guard[]): Type<CanActivate> {
  @Injectable()
  class OptionalGrantGuard extends AuthKitGrantGuard {
    private readonly ofOrigin: AllowedOriginGuard;

    constructor(
      @Inject(GrantVerifier) grants: GrantVerifier,
      @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
      @Inject(AUTHKIT_OPTIONS) options: ResolvedOptions,
    ) {
      super(grants);
      this.ofOrigin = new AllowedOriginGuard(options);
    }

    override async canActivate(context: ExecutionContext): Promise<boolean> {
      const request = context.switchToHttp().getRequest();
      if (hasGrantType(extractBearerToken(request) ?? '')) {
        return super.canActivate(context);
      }
      const contextId = ContextIdFactory.getByRequest(request);
      this.moduleRef.registerRequestByContextId(request, contextId);
      for (const guard of [this.ofOrigin, ...guards]) {
        const instance =
          typeof guard === 'function'
            ? await this.moduleRef.resolve(guard, contextId)
            : guard;
        const result = instance.canActivate(context);
        const passes = isObservable(result) ? lastValueFrom(result) : result;
        if (!(await passes)) return false;
      }
      return true;
    }
  }
  return OptionalGrantGuard;
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
    let value = controller.name;
    for (let n = 2; names.has(value); n += 1) value = `${controller.name}_${n}`;
    names.add(value);
    Object.defineProperty(controller, 'name', { value });
  }
}
