import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import {
  AUTHKIT_GRANT_JWT,
  AUTHKIT_LOG_CONTEXT,
  AUTHKIT_OPTIONS,
  AUTHKIT_SPENT_GRANTS,
} from '../authkit.constants.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import { toIdentity } from '../identity/to-identity.js';
import type { GrantClaims, GrantJwt } from './grant-jwt.js';
import type { GrantOptions } from './grant.options.js';
import { refusedGrant } from './refused-grant.js';
import type { SpentGrants } from './spent-grants.js';
import type { AuthKitWidgetToken } from './widget-token.js';

/**
 * Issues and verifies grants: signed passes, good for minutes and for nothing
 * but AuthKit tokens of one identity at one endpoint. The controller does all of
 * it with `controller: { grants: true }`; this service is for controllers of one's own.
 * It needs the `grant.secret` option.
 *
 * @example
 * ```ts
 * @Post('grant')
 * @UseGuards(SessionGuard, AuthKitIdentityGuard)
 * grant(@CurrentIdentity() who: AuthKitIdentity) {
 *   return this.grants.widgetToken(who, 'https://api.app.example/integrations/token');
 * }
 *
 * @Post('token')
 * @HttpCode(200)
 * async token(@Headers('authorization') authorization = '') {
 *   const who = await this.grants.verify(authorization.replace(/^Bearer /, ''));
 *   return this.tokens.create(who);
 * }
 * ```
 *
 * @publicApi
 */
@Injectable()
export class AuthKitGrantService {
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);

  constructor(
    @Inject(AUTHKIT_OPTIONS) private readonly options: { grant?: GrantOptions },
    @Inject(AUTHKIT_SPENT_GRANTS) private readonly spent: SpentGrants,
    @Optional() @Inject(AUTHKIT_GRANT_JWT) private readonly jwt?: GrantJwt,
  ) {}

  /**
   * Signs a grant for an identity that the app has verified.
   *
   * @returns the grant, a JWT
   * @throws {AuthKitException} `unidentified` or `invalid_identity`
   */
  async issue(who: AuthKitIdentity): Promise<string> {
    const { grant } = await this.ready().sign(toIdentity(who));
    return grant;
  }

  /**
   * Signs a grant, as the widget packages take it: `useAuthKit({ token, … })`.
   *
   * @param url address of the endpoint that verifies the grant, as the widget reaches it
   * @throws {AuthKitException} `unidentified` or `invalid_identity`
   */
  async widgetToken(
    who: AuthKitIdentity,
    url: string,
  ): Promise<AuthKitWidgetToken> {
    const { grant, expiresAt } = await this.ready().sign(toIdentity(who));
    return {
      url,
      headers: { Authorization: `Bearer ${grant}` },
      expiresAt: expiresAt.toISOString(),
    };
  }

  /**
   * Finds out whom a grant is for. With `grant.singleUse` this uses it up.
   *
   * @param grant the JWT, without `Bearer`
   * @throws {AuthKitException} `unidentified` where it is missing, expired, not
   *   made for this endpoint, tampered with, or used up; its message tells which
   */
  async verify(grant: string | undefined): Promise<AuthKitIdentity> {
    try {
      const { who, jti, remaining } = await this.open(grant);
      if (
        this.options.grant?.singleUse &&
        !(await this.spent.claim(jti, remaining))
      ) {
        throw refusedGrant('used');
      }
      return who;
    } catch (error) {
      const { cause } = error as Error;
      if (cause instanceof Error)
        this.logger.debug(`No token: ${cause.message}.`);
      throw error;
    }
  }

  private async open(grant: string | undefined): Promise<GrantClaims> {
    const jwt = this.ready();
    if (!grant) throw refusedGrant('missing');
    return jwt.open(grant);
  }

  private ready(): GrantJwt {
    if (!this.jwt) {
      throw new Error(
        'AuthKitGrantService needs the option grant: { secret } of AuthKitModule, of at least 32 bytes.',
      );
    }
    return this.jwt;
  }
}
