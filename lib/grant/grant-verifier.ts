import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import {
  AUTHKIT_GRANT_JWT,
  AUTHKIT_GRANT_REPLAY_STORE,
  AUTHKIT_LOG_CONTEXT,
  AUTHKIT_OPTIONS,
} from '../authkit.constants.js';
import { AuthKitException } from '../authkit.exception.js';
import { ModuleOptions } from '../options/module.options.js';
import { requireJwt, type GrantClaims, type GrantJwt } from './grant-jwt.js';
import type { GrantReplayStore } from './grant-replay-store.js';
import { invalidGrant } from './invalid-grant.js';

/** How much longer a reservation lasts than a token takes at most, in ms. */
const LEASE_MARGIN_MS = 1_000;

/**
 * Verifies the grants of one registration, and lets each be used once where
 * `grant.singleUse` says so.
 *
 * @internal
 */
@Injectable()
export class GrantVerifier {
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);

  constructor(
    @Inject(AUTHKIT_OPTIONS) private readonly options: ModuleOptions,
    @Inject(AUTHKIT_GRANT_REPLAY_STORE)
    private readonly replayStore: GrantReplayStore,
    @Optional() @Inject(AUTHKIT_GRANT_JWT) private readonly jwt?: GrantJwt,
  ) {}

  /**
   * Verifies a grant and does not use it up.
   *
   * @throws {AuthKitException} `unidentified`
   */
  async verify(grant: string | undefined): Promise<GrantClaims> {
    const jwt = requireJwt(this.jwt);
    return this.logRefusal(async () => {
      if (!grant) throw invalidGrant('missing');
      return jwt.verify(grant);
    });
  }

  /**
   * Uses up a verified grant at once.
   *
   * @throws {AuthKitException} `unidentified` where it is used already, `rate_limited`
   */
  async consume(grant: GrantClaims): Promise<void> {
    if (!this.isSingleUse) return;
    await this.logRefusal(async () => {
      if (!(await this.replayStore.consume(grant))) throw invalidGrant('used');
    });
  }

  /**
   * Exchanges a verified grant for a token. The grant is reserved first and
   * used up just before the token is returned: where creating the token fails,
   * or the client is gone, it is as good as before.
   *
   * @param grant `undefined` for a request without one
   * @param signal aborts when the client is gone
   * @throws {AuthKitException} `unidentified` where the grant is used or reserved already, `rate_limited`, `cancelled`; and what `createToken` throws
   */
  async redeem<T>(
    grant: GrantClaims | undefined,
    signal: AbortSignal,
    createToken: () => Promise<T>,
  ): Promise<T> {
    if (!grant || !this.isSingleUse) return createToken();
    const lease = this.options.timeout + LEASE_MARGIN_MS;
    const reservation = await this.logRefusal(async () => {
      const reserved = await this.replayStore.reserve(grant, lease);
      if (!reserved) throw invalidGrant('used');
      return reserved;
    });
    let isRedeemed = false;
    try {
      const token = await createToken();
      assertConnected(signal);
      await this.logRefusal(async () => {
        if (!(await reservation.commit())) throw invalidGrant('used');
      });
      // The store may have taken its time.
      assertConnected(signal);
      isRedeemed = true;
      return token;
    } finally {
      if (!isRedeemed) await reservation.release();
    }
  }

  private get isSingleUse(): boolean {
    return this.options.grant?.singleUse === true;
  }

  /** Whoever sends a bad grant is told so, and no operator can help: a line at level debug. */
  private async logRefusal<T>(check: () => Promise<T>): Promise<T> {
    try {
      return await check();
    } catch (error) {
      const { cause } = error as Error;
      if (cause instanceof Error) {
        this.logger.debug(`No token: ${cause.message}.`);
      }
      throw error;
    }
  }
}

function assertConnected(signal: AbortSignal): void {
  if (signal.aborted) throw new AuthKitException('cancelled');
}
