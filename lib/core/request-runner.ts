import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import {
  defer,
  firstValueFrom,
  switchMap,
  takeUntil,
  type Observable,
} from 'rxjs';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { AuthKitException } from '../authkit.exception.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import { parseIdentity } from '../identity/parse-identity.js';
import { isSecretKey, type ModuleOptions } from '../options/module.options.js';
import { Deadline, type RequestContext } from '../pica/request-context.js';
import { VENDORS } from '../pica/vendors.js';
import { Admission } from './admission.js';
import { Cancellation } from './cancellation.js';
import { FailureLog } from './failure-log.js';

/** One request of the app that needs calls to Pica. */
export interface AppRequest<T> {
  /** Begins the log line of a failure, e.g. `No token`. */
  readonly outcome: string;
  /** Validated first; `undefined` for a request without an identity. */
  readonly identity: AuthKitIdentity | undefined;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
  /** Makes the calls. It is unsubscribed when the request is cancelled or times out. */
  readonly task: (
    context: RequestContext,
    identity: AuthKitIdentity | undefined,
  ) => Observable<T>;
}

/**
 * Runs whatever a service asks of Pica: it limits the pending requests,
 * validates the identity, resolves the secret key, sets the deadline, cancels,
 * logs failures and turns every error into an `AuthKitException`.
 *
 * @internal
 */
@Injectable()
export class RequestRunner implements OnApplicationShutdown {
  private readonly admission = new Admission();
  private readonly cancellation = new Cancellation();
  private readonly log: FailureLog;

  constructor(
    @Inject(AUTHKIT_OPTIONS) private readonly options: ModuleOptions,
  ) {
    this.log = new FailureLog(VENDORS[options.vendor]);
  }

  /** @throws {AuthKitException} and nothing else */
  async run<T>({ outcome, identity, signal, task }: AppRequest<T>): Promise<T> {
    const started = performance.now();
    try {
      const releaseSlot = this.admission.acquireSlot();
      try {
        const result$ = defer(() => this.prepare(identity)).pipe(
          switchMap((prepared) => task(prepared.context, prepared.identity)),
          takeUntil(this.cancellation.of(signal, this.options.timeout)),
        );
        return await firstValueFrom(result$);
      } finally {
        releaseSlot();
      }
    } catch (error) {
      const failure = normalizeError(error);
      this.log.failed(outcome, failure, performance.now() - started);
      throw failure;
    }
  }

  /** Requests have been answered by then. What still runs was started elsewhere. */
  onApplicationShutdown(): void {
    this.cancellation.cancelAll();
  }

  private async prepare(candidate: AuthKitIdentity | undefined) {
    const deadline = new Deadline(this.options.timeout);
    const identity =
      candidate === undefined ? undefined : parseIdentity(candidate);
    if (identity && /[\s:]/.test(identity.identity)) {
      this.log.warnAmbiguousIdentity();
    }
    const secretKey = await this.resolveSecretKey(identity);
    const context: RequestContext = {
      secretKey,
      deadline,
      received: { bytes: 0 },
    };
    return { identity, context };
  }

  private async resolveSecretKey(
    identity: AuthKitIdentity | undefined,
  ): Promise<string> {
    const given = this.options.secretKey.reveal();
    if (typeof given === 'string') return given;
    let secretKey: unknown;
    try {
      secretKey = await given(identity);
    } catch {
      // The error may quote the key.
      throw keyFailure('unavailable', 'threw an error');
    }
    if (isSecretKey(secretKey)) return secretKey;
    throw keyFailure(
      'secret_rejected',
      'returned what cannot be sent as a key',
    );
  }
}

function keyFailure(
  reason: 'unavailable' | 'secret_rejected',
  what: string,
): AuthKitException {
  return new AuthKitException(reason, {
    cause: new Error(`the secretKey function ${what}`),
  });
}

function normalizeError(error: unknown): AuthKitException {
  if (error instanceof AuthKitException) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return new AuthKitException('unavailable', {
    cause: new Error(`an unexpected ${name}`),
  });
}
