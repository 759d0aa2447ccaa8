import { Inject, Injectable, Optional } from '@nestjs/common';
import { AUTHKIT_GRANT_JWT, AUTHKIT_OPTIONS } from '../authkit.constants.js';
import type { AuthKitConnectionLabel } from '../authkit.types.js';
import { resolveLabel } from '../core/app-functions.js';
import {
  parseIdentity,
  type AuthKitIdentity,
} from '../identity/authkit-identity.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { requireJwt, type GrantJwt, type SignedGrant } from './grant-jwt.js';
import { GrantVerifier } from './grant-verifier.js';

/** What the widget packages expect as `token`: `useAuthKit({ token, … })`. */
export interface AuthKitWidgetToken {
  /** The URL of the token endpoint. */
  url: string;
  /** The headers that the widget sends there: the grant. */
  headers: { Authorization: string };
  /** When the grant expires, in ISO 8601: `2026-11-24T10:05:00.000Z`. */
  expiresAt: string;
}

/** What a grant carries beside the identity. */
export interface IssueGrantOptions extends AuthKitConnectionLabel {
  /** The request that the grant is for. The function `connection` of the options receives it. */
  request?: object;
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
  constructor(
    @Inject(GrantVerifier) private readonly verifier: GrantVerifier,
    @Inject(AUTHKIT_OPTIONS) private readonly options: ResolvedOptions,
    @Optional() @Inject(AUTHKIT_GRANT_JWT) private readonly jwt?: GrantJwt,
  ) {}

  /**
   * Signs a grant for an identity that the app has verified.
   *
   * @returns the grant, a JWT
   * @throws {AuthKitException} `unidentified` or `invalid_identity`;
   *   `invalid_argument` for a name or tags that no connection can have
   */
  async issue(
    identity: AuthKitIdentity,
    options: IssueGrantOptions = {},
  ): Promise<string> {
    const { grant } = await this.sign(identity, options);
    return grant;
  }

  /**
   * Signs a grant and returns what the widget packages expect: `useAuthKit({ token, … })`.
   *
   * @param url the URL of the endpoint that verifies the grant, as the widget reaches it
   * @throws {AuthKitException} as {@link issue}
   */
  async widgetToken(
    identity: AuthKitIdentity,
    url: string,
    options: IssueGrantOptions = {},
  ): Promise<AuthKitWidgetToken> {
    const { grant, expiresAt } = await this.sign(identity, options);
    return {
      url,
      headers: { Authorization: `Bearer ${grant}` },
      expiresAt: expiresAt.toISOString(),
    };
  }

  private async sign(
    candidate: AuthKitIdentity,
    { request, ...label }: IssueGrantOptions,
  ): Promise<SignedGrant> {
    const jwt = requireJwt(this.jwt);
    const identity = parseIdentity(candidate);
    const { connection } = this.options;
    const resolved = await resolveLabel(label, connection, identity, request);
    return jwt.sign(identity, resolved);
  }

  /**
   * Verifies a grant and returns its identity. With `grant.singleUse` this uses
   * up the grant at once, whatever becomes of the token: the user of a token that
   * fails opens the dialog again. The module's own token route uses it up just
   * before it sends the token.
   *
   * @param grant the JWT, without `Bearer`
   * @throws {AuthKitException} `unidentified` where it is missing, expired, not
   *   made for this endpoint, tampered with, or used; its message says which.
   *   `rate_limited` if no more used grants can be remembered: 1,000 for each
   *   identity and 100,000 in all, in the memory of one process; `unavailable` if
   *   `grant.singleUse.add()` fails
   */
  async verify(grant: string | undefined): Promise<AuthKitIdentity> {
    const claims = await this.verifier.verify(grant);
    await this.verifier.consume(claims);
    return claims.identity;
  }
}
