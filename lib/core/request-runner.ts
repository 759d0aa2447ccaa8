import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import {
  defer,
  firstValueFrom,
  from,
  Observable,
  ReplaySubject,
  switchMap,
  takeUntil,
  timer,
} from 'rxjs';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { AuthKitException } from '../authkit.exception.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import { parseIdentity } from '../identity/parse-identity.js';
import { isSecretKey, type ModuleOptions } from '../options/module.options.js';
import { MAX_TIMEOUT_MS } from '../options/validation.js';
import { PicaClient, type PicaCall } from '../pica/pica.client.js';
import { Deadline, type RequestContext } from '../pica/request-context.js';
import { InvalidResponseError } from '../pica/responses.js';
import { VENDORS } from '../pica/vendors.js';
import { Admission } from './admission.js';
import { Cancellation } from './cancellation.js';
import { FailureLog } from './failure-log.js';

/** One request of the app that needs calls to Pica. */
export interface AppRequest {
  /** Begins the log line of a failure, e.g. `No token`. */
  readonly outcome: string;
  /** Validated first. `undefined` for a request without an identity; `null` fails as `unidentified`. */
  readonly identity: AuthKitIdentity | undefined | null;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
  /** Time beyond the `timeout` option, in ms. Default: 0 */
  readonly extraTime?: number;
  /** Whether the caller handles a failure and goes on. Such a failure is logged at level debug. */
  readonly isHandled?: (failure: AuthKitException) => boolean;
}

/** Makes the calls of a request. It is unsubscribed when the request is cancelled or times out. */
export type Task<T> = (
  context: RequestContext,
  identity: AuthKitIdentity | undefined,
) => Observable<T>;

/** A running request of an identity. */
export interface Session {
  readonly identity: AuthKitIdentity;
  readonly secretKey: string;
  /** Makes one call. */
  call<T>(call: PicaCall<T>): Promise<T>;
  /** Waits between two calls. */
  wait(ms: number): Promise<unknown>;
}

/** Makes the calls of a request one after the other, or in parallel. */
export type Steps<T> = (session: Session) => Promise<T>;

/**
 * Runs whatever a service needs of Pica: it limits the pending requests,
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
    @Inject(PicaClient) private readonly pica: PicaClient,
    @Inject(AUTHKIT_OPTIONS) private readonly options: ModuleOptions,
  ) {
    this.log = new FailureLog(VENDORS[options.vendor]);
  }

  /** @throws {AuthKitException} and nothing else */
  async run<T>(request: AppRequest, task: Task<T>): Promise<T> {
    const { outcome, identity, signal, extraTime = 0, isHandled } = request;
    const started = performance.now();
    const timeout = this.options.timeout + extraTime;
    try {
      const releaseSlot = this.admission.acquireSlot();
      try {
        const result$ = defer(() => this.prepare(identity, timeout)).pipe(
          switchMap((prepared) => task(prepared.context, prepared.identity)),
          takeUntil(this.cancellation.of(signal, timeout)),
        );
        return await firstValueFrom(result$);
      } finally {
        releaseSlot();
      }
    } catch (error) {
      const failure = normalizeError(error);
      const duration = performance.now() - started;
      this.log.failed(outcome, failure, duration, isHandled?.(failure));
      throw failure;
    }
  }

  /**
   * Runs calls as an async function for an identity. Once the request ends, its
   * calls are closed.
   *
   * @throws {AuthKitException} and nothing else
   */
  runSteps<T>(request: AppRequest, steps: Steps<T>): Promise<T> {
    return this.run(
      { ...request, identity: request.identity ?? null },
      (context, identity) =>
        new Observable<T>((subscriber) => {
          // Replayed, so that steps that go on afterwards make no further call.
          const ended = new ReplaySubject<void>(1);
          subscriber.add(() => ended.next());
          const untilEnded = <R>(source: Observable<R>): Promise<R> =>
            firstValueFrom(source.pipe(takeUntil(ended)));
          const session: Session = {
            identity: identity!,
            secretKey: context.secretKey,
            call: (call) => untilEnded(this.pica.request(call, context)),
            wait: (ms) => untilEnded(timer(ms)),
          };
          from(steps(session)).subscribe(subscriber);
        }),
    );
  }

  /**
   * Waits between two requests.
   *
   * @throws {AuthKitException} `cancelled` on the signal, or when the app shuts down
   */
  async wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const cancelled$ = this.cancellation.of(signal, MAX_TIMEOUT_MS);
    const wait$ = timer(Math.min(ms, MAX_TIMEOUT_MS));
    await firstValueFrom(wait$.pipe(takeUntil(cancelled$)));
  }

  /** Requests have been answered by then. What still runs was started elsewhere. */
  onApplicationShutdown(): void {
    this.cancellation.cancelAll();
  }

  private async prepare(
    candidate: AuthKitIdentity | undefined | null,
    timeout: number,
  ) {
    const deadline = new Deadline(timeout);
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
  if (error instanceof InvalidResponseError) {
    return new AuthKitException('malformed', {
      cause: new Error(error.message),
    });
  }
  const name = error instanceof Error ? error.name : typeof error;
  return new AuthKitException('unavailable', {
    cause: new Error(`an unexpected ${name}`),
  });
}
