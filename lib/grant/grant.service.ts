import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import {
  AUTHKIT_GRANT_JWT,
  AUTHKIT_GRANT_REPLAY_STORE,
  AUTHKIT_LOG_CONTEXT,
  AUTHKIT_OPTIONS,
} from '../authkit.constants.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import { parseIdentity } from '../identity/parse-identity.js';
import { ModuleOptions } from '../options/module.options.js';
import type { GrantClaims, GrantJwt } from './grant-jwt.js';
import type { GrantReplayStore } from './grant-replay-store.js';
import { invalidGrant } from './invalid-grant.js';

/** What the widget packages expect as `token`: `useAuthKit({ token, … })`. */
export interface AuthKitWidgetToken {
  /** The URL of the token endpoint. */
  url: string;
  /** The headers that the widget sends there: the grant. */
  headers: { Authorization: string };
  /** When the grant expires, in ISO 8601: `2026-11-24T10:05:00.000Z`. */
  expiresAt: string;
}

/**
 * Issues and verifies grants: signed JWTs, valid for minutes and for nothing but
 * AuthKit tokens of one identity at one endpoint. With
 * `controller: { grants: true }` the module's controllers do it; this service is
 * for controllers of your own. Needs the `grant.secret` option.
 *
 * @example
 * ```ts
 * @Post('grant')
 * @UseGuards(SessionGuard, AuthKitIdentityGuard)
 * grant(@CurrentIdentity() identity: AuthKitIdentity) {
 *   return this.grants.widgetToken(identity, 'https://api.app.example/integrations/token');
 * }
 *
 * @Post('token')
 * @HttpCode(200)
 * async token(@Headers('authorization') authorization = '') {
 *   const identity = await this.grants.verify(authorization.replace(/^Bearer /, ''));
 *   return this.tokens.create(identity);
 * }
 * ```
 *
 * @publicApi
 */
@Injectable()
export class AuthKitGrantService {
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);

  constructor(
    @Inject(AUTHKIT_OPTIONS) private readonly options: ModuleOptions,
    @Inject(AUTHKIT_GRANT_REPLAY_STORE)
    private readonly replayStore: GrantReplayStore,
    @Optional() @Inject(AUTHKIT_GRANT_JWT) private readonly jwt?: GrantJwt,
  ) {}

  /**
   * Signs a grant for an identity that the app has verified.
   *
   * @returns the grant, a JWT
   * @throws {AuthKitException} `unidentified` or `invalid_identity`
   */
  async issue(identity: AuthKitIdentity): Promise<string> {
    const { grant } = await this.requireJwt().sign(parseIdentity(identity));
    return grant;
  }

  /**
   * Signs a grant and returns what the widget packages expect: `useAuthKit({ token, … })`.
   *
   * @param url the URL of the endpoint that verifies the grant, as the widget reaches it
   * @throws {AuthKitException} `unidentified` or `invalid_identity`
   */
  async widgetToken(
    identity: AuthKitIdentity,
    url: string,
  ): Promise<AuthKitWidgetToken> {
    const { grant, expiresAt } = await this.requireJwt().sign(
      parseIdentity(identity),
    );
    return {
      url,
      headers: { Authorization: `Bearer ${grant}` },
      expiresAt: expiresAt.toISOString(),
    };
  }

  /**
   * Verifies a grant and returns its identity. With `grant.singleUse` this
   * consumes the grant.
   *
   * @param grant the JWT, without `Bearer`
   * @throws {AuthKitException} `unidentified` where it is missing, expired, not
   *   made for this endpoint, tampered with, or used; its message says which
   */
  async verify(grant: string | undefined): Promise<AuthKitIdentity> {
    try {
      const { identity, jti, remaining } = await this.verifyClaims(grant);
      if (
        this.options.grant?.singleUse &&
        !(await this.replayStore.consume(jti, remaining))
      ) {
        throw invalidGrant('used');
      }
      return identity;
    } catch (error) {
      const { cause } = error as Error;
      if (cause instanceof Error)
        this.logger.debug(`No token: ${cause.message}.`);
      throw error;
    }
  }

  private async verifyClaims(grant: string | undefined): Promise<GrantClaims> {
    const jwt = this.requireJwt();
    if (!grant) throw invalidGrant('missing');
    return jwt.verify(grant);
  }

  private requireJwt(): GrantJwt {
    if (!this.jwt) {
      throw new Error(
        'AuthKitGrantService needs the option grant: { secret } of AuthKitModule, of at least 32 bytes.',
      );
    }
    return this.jwt;
  }
}
