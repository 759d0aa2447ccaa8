import {
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import { bearerOf } from '../grant/bearer.js';
import { looksLikeGrant } from '../grant/grant-format.js';
import { AuthKitGrantGuard } from '../grant/grant.guard.js';
import { AuthKitGrantService } from '../grant/grant.service.js';
import { AuthKitIdentityGuard } from '../identity/authkit-identity.guard.js';

type Guard = Type<CanActivate> | CanActivate;

/**
 * Makes the guard of `grants: 'optional'`: a bearer that poses as a grant has
 * to be one; every other request goes through the guards of the app.
 *
 * Those guards are taken from the module, where the grant route has put them,
 * so that they are the ones that `overrideGuard()` of a test replaces.
 */
export function grantOrGuards(guards: readonly Guard[]): Type<CanActivate> {
  @Injectable()
  class GrantOrGuards extends AuthKitGrantGuard {
    constructor(
      @Inject(AuthKitGrantService) grants: AuthKitGrantService,
      @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    ) {
      super(grants);
    }

    override async canActivate(context: ExecutionContext): Promise<boolean> {
      const request = context.switchToHttp().getRequest();
      if (looksLikeGrant(bearerOf(request) ?? '')) {
        return super.canActivate(context);
      }
      const contextId = ContextIdFactory.getByRequest(request);
      this.moduleRef.registerRequestByContextId(request, contextId);
      for (const guard of [...guards, AuthKitIdentityGuard]) {
        const instance =
          typeof guard === 'function'
            ? await this.moduleRef.resolve(guard, contextId)
            : guard;
        if (!(await passes(instance, context))) return false;
      }
      return true;
    }
  }
  return GrantOrGuards;
}

async function passes(
  guard: CanActivate,
  context: ExecutionContext,
): Promise<boolean> {
  const verdict = guard.canActivate(context);
  return isObservable(verdict) ? lastValueFrom(verdict) : verdict;
}
