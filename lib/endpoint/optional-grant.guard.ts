import {
  Inject,
  Injectable,
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
import type { ResolvedOptions } from '../options/resolve-options.js';
import { AllowedOriginGuard } from './page-origin.guard.js';

type Guard = Type<CanActivate> | CanActivate;

/**
 * Creates the guard of `grants: 'optional'`: a bearer that claims to be a grant
 * must be a valid one; every other request goes through the
 * {@link AllowedOriginGuard} and the guards of the app.
 *
 * The app's guards are resolved from the module, where the grant route has put
 * them, so that `overrideGuard()` of a test replaces them.
 */
export function createOptionalGrantGuard(
  guards: readonly Guard[],
): Type<CanActivate> {
  @Injectable()
  class OptionalGrantGuard extends AuthKitGrantGuard {
    private readonly guards: readonly Guard[];

    constructor(
      @Inject(GrantVerifier) grants: GrantVerifier,
      @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
      @Inject(AUTHKIT_OPTIONS) options: ResolvedOptions,
    ) {
      super(grants);
      this.guards = [
        new AllowedOriginGuard(options),
        ...guards,
        AuthKitIdentityGuard,
      ];
    }

    override async canActivate(context: ExecutionContext): Promise<boolean> {
      const request = context.switchToHttp().getRequest();
      if (hasGrantType(extractBearerToken(request) ?? '')) {
        return super.canActivate(context);
      }
      const contextId = ContextIdFactory.getByRequest(request);
      this.moduleRef.registerRequestByContextId(request, contextId);
      for (const guard of this.guards) {
        const instance =
          typeof guard === 'function'
            ? await this.moduleRef.resolve(guard, contextId)
            : guard;
        if (!(await passes(instance, context))) return false;
      }
      return true;
    }
  }
  return OptionalGrantGuard;
}

async function passes(
  guard: CanActivate,
  context: ExecutionContext,
): Promise<boolean> {
  const result = guard.canActivate(context);
  return isObservable(result) ? lastValueFrom(result) : result;
}
