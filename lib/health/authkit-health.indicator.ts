import { Inject, Injectable } from '@nestjs/common';
import {
  AuthKitException,
  type AuthKitErrorReason,
} from '../authkit.exception.js';
import { RequestRunner } from '../core/request-runner.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import { PicaApi } from '../pica/pica-api.js';

/** What is known of Pica's health. It holds no key and no identity. */
export interface AuthKitHealthDetails {
  /** `down` where the last requests have failed because of Pica, or because of the account. */
  status: 'up' | 'down';
  /** When a request last succeeded, in ISO 8601. */
  lastSuccess?: string;
  /** When a request last failed because of Pica or of the account, in ISO 8601. */
  lastFailure?: string;
  /** Why it failed. */
  reason?: AuthKitErrorReason;
  /** The status of Pica's response, where there was one. */
  upstreamStatus?: number;
  /** The code of a failed connection, e.g. `ECONNREFUSED`. */
  upstreamCode?: string;
  /** Pica's id of the failed call, for its support. */
  correlationId?: string;
  /** What to do, where that is known. */
  message?: string;
}

/** The result of a check, as terminus expects it: `{ [key]: { status, … } }`. */
export type AuthKitHealthResult<Key extends string = string> = Record<
  Key,
  AuthKitHealthDetails
>;

/**
 * Tells whether Pica works. Its results have the shape that `@nestjs/terminus`
 * expects; terminus itself is not needed.
 *
 * @example
 * ```ts
 * @Get('health')
 * @HealthCheck()
 * health() {
 *   return this.health.check([() => this.authKit.check()]);
 * }
 * ```
 *
 * @publicApi
 */
@Injectable()
export class AuthKitHealthIndicator {
  constructor(
    @Inject(RequestRunner) private readonly runner: RequestRunner,
    @Inject(PicaApi) private readonly api: PicaApi,
  ) {}

  /**
   * Says what the last requests have shown. It calls nothing and logs nothing.
   *
   * It is `down` while the last request has failed because Pica is unavailable,
   * too slow or malformed, or because of the secret key or the quota, and that
   * was within the last 30 s. Where `secretKey` or `scope` is a function, key and
   * quota of one account do not count: the others work.
   *
   * @param key the name in the result. Default: `authkit`
   */
  check<Key extends string = 'authkit'>(
    key: Key = 'authkit' as Key,
  ): AuthKitHealthResult<Key> {
    const { isUp, lastSuccessAt, lastFailure } = this.runner.health;
    return {
      [key]: {
        status: isUp ? 'up' : 'down',
        ...(lastSuccessAt !== undefined && {
          lastSuccess: toIso(lastSuccessAt),
        }),
        ...(lastFailure && {
          lastFailure: toIso(lastFailure.at),
          ...detailsOf(lastFailure.failure),
        }),
      },
    } as AuthKitHealthResult<Key>;
  }

  /**
   * Makes one call to Pica, without a retry and without a token: it reads the
   * account's flags, or for One who the key belongs to. It completes or fails
   * within the options `attemptTimeout` and `timeout`, and never rejects.
   *
   * @param key the name in the result. Default: `authkit`
   * @param options `identity`: passed to the function `secretKey` or `scope`.
   *   Where there is such a function and no identity, nothing is called and the
   *   result is `down`, with a `message` that says so.
   */
  async ping<Key extends string = 'authkit'>(
    key: Key = 'authkit' as Key,
    { identity }: { identity?: AuthKitIdentity } = {},
  ): Promise<AuthKitHealthResult<Key>> {
    const details =
      identity === undefined && this.runner.hasManyAccounts
        ? NO_IDENTITY
        : await this.call(identity);
    return { [key]: details } as AuthKitHealthResult<Key>;
  }

  private async call(
    identity: AuthKitIdentity | undefined,
  ): Promise<AuthKitHealthDetails> {
    try {
      await this.runner.run(
        // The result describes the failure. A log line for every probe would be noise.
        { outcome: 'ping() failed', identity, isHandled: () => true },
        (session) => this.api.ping(session),
      );
      return { status: 'up', lastSuccess: toIso(Date.now()) };
    } catch (error) {
      return {
        status: 'down',
        lastFailure: toIso(Date.now()),
        ...detailsOf(error as AuthKitException),
      };
    }
  }
}

const NO_IDENTITY: AuthKitHealthDetails = {
  status: 'down',
  message:
    'Nothing was called: secretKey or scope is a function of the identity, and ping() has none. Pass one: ping(key, { identity }).',
};

function detailsOf({
  reason,
  upstreamStatus,
  upstreamCode,
  correlationId,
}: AuthKitException): Partial<AuthKitHealthDetails> {
  return {
    reason,
    ...(upstreamStatus !== undefined && { upstreamStatus }),
    ...(upstreamCode !== undefined && { upstreamCode }),
    ...(correlationId !== undefined && { correlationId }),
  };
}

function toIso(ms: number): string {
  return new Date(ms).toISOString();
}
