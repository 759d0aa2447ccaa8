import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import {
  AUTHKIT_GRANT_JWT,
  AUTHKIT_LOG_CONTEXT,
  AUTHKIT_OPTIONS,
} from '../authkit.constants.js';
import { AuthKitException } from '../authkit.exception.js';
import { Diagnostics } from '../core/diagnostics.js';
import { formatThrown, formatType } from '../format-value.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { Deadline } from '../pica/deadline.js';
import { within } from '../within.js';
import { requireJwt, type GrantClaims, type GrantJwt } from './grant-jwt.js';
import { invalidGrant } from './grant-jwt.js';
import { UsedGrants } from './used-grants.js';

/** The maximum time in ms that `grant.singleUse.add()` may take. */
const ADD_TIMEOUT_MS = 1_000;

/**
 * Verifies the grants of one registration, and lets each be used once if
 * `grant.singleUse` says so.
 *
 * @internal
 */
@Injectable()
export class GrantVerifier {
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);
  private readonly diagnostics: Diagnostics;
  private readonly singleUse: NonNullable<
    ResolvedOptions['grant']
  >['singleUse'];
  private readonly used: UsedGrants;

  constructor(
    @Inject(AUTHKIT_OPTIONS) private readonly options: ResolvedOptions,
    @Optional() @Inject(AUTHKIT_GRANT_JWT) private readonly jwt?: GrantJwt,
  ) {
    this.diagnostics = new Diagnostics(options);
    this.singleUse = options.grant?.singleUse ?? false;
    this.used = new UsedGrants(typeof this.singleUse === 'object');
  }

  /**
   * Verifies a grant and does not use it up.
   *
   * @throws {AuthKitException} `unidentified`
   */
  async verify(grant: string | undefined): Promise<GrantClaims> {
    const jwt = requireJwt(this.jwt);
    return this.observe(async () => {
      if (!grant) throw invalidGrant('missing');
      return jwt.verify(grant);
    });
  }

  /**
   * Uses up a verified grant.
   *
   * @throws {AuthKitException} `unidentified` if it is used already, `rate_limited`, `unavailable`
   */
  async consume(grant: GrantClaims): Promise<void> {
    if (!this.singleUse) return;
    await this.observe(async () => {
      this.claim(grant);
      await this.add(grant, new Deadline(this.options.timeout));
    });
  }

  /**
   * Exchanges a verified grant for a token. If creating the token fails, or the
   * client is gone, the grant is as good as before. Once `grant.singleUse.add()`
   * was called, the grant may be used up without a token.
   *
   * @param signal aborts when the client is gone
   * @param startedAt when the deadline began, on the clock of `performance.now()`
   * @throws {AuthKitException} `unidentified` if the grant is in use or used, `rate_limited`, `unavailable`, `cancelled`; and what `createToken` throws
   */
  async redeem<T>(
    grant: GrantClaims,
    signal: AbortSignal,
    startedAt: number | undefined,
    createToken: () => Promise<T>,
  ): Promise<T> {
    if (!this.singleUse) return createToken();
    await this.observe(async () => this.claim(grant));
    let token: T;
    try {
      token = await createToken();
      assertConnected(signal);
    } catch (error) {
      this.used.release(grant);
      throw error;
    }
    const deadline = new Deadline(this.options.timeout, startedAt);
    await this.observe(() => this.add(grant, deadline));
    // The function may have taken its time.
    assertConnected(signal);
    return token;
  }

  /** @throws {AuthKitException} `unidentified`, `rate_limited` */
  private claim(grant: GrantClaims): void {
    if (!this.used.claim(grant)) throw invalidGrant('used');
  }

  /** Calls `grant.singleUse.add()`, which decides for all processes. */
  private async add(grant: GrantClaims, deadline: Deadline): Promise<void> {
    const { singleUse } = this;
    if (typeof singleUse !== 'object') return;
    const lifetime = Math.max(1, Math.ceil(grant.remaining));
    const timeout = Math.min(ADD_TIMEOUT_MS, deadline.remaining());
    let what = `did not respond within ${Math.round(timeout)} ms`;
    try {
      const adding = async () => ({
        added: (await singleUse.add(grant.jti, lifetime)) as unknown,
      });
      const outcome = await within(adding(), timeout);
      if (outcome?.added === true) return;
      if (outcome) {
        what = `returned ${formatType(outcome.added)} instead of true or false`;
      }
      if (outcome?.added === false) throw invalidGrant('used');
    } catch (error) {
      if (error instanceof AuthKitException) throw error;
      what = `threw ${formatThrown(error)}`;
    }
    // The function may be asked again.
    this.used.release(grant);
    const cause = new Error(`grant.singleUse.add() ${what}`);
    throw new AuthKitException('unavailable', { cause });
  }

  /** Publishes a check. Who sends a bad grant is told so, and no operator can help: a line at level debug. */
  private observe<T>(check: () => Promise<T>): Promise<T> {
    const traced = { channel: 'grant', operation: 'verify' } as const;
    return this.diagnostics.trace(traced, undefined, async () => {
      try {
        return await check();
      } catch (error) {
        const { cause, reason } = error as AuthKitException;
        const line = `No token: ${(cause as Error | undefined)?.message ?? reason}.`;
        if (reason === 'unavailable') this.logger.warn(line);
        else this.logger.debug(line);
        throw error;
      }
    });
  }
}

function assertConnected(signal: AbortSignal): void {
  if (signal.aborted) throw new AuthKitException('cancelled');
}
