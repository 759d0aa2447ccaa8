import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import {
  defer,
  finalize,
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
import {
  parseIdentity,
  type AuthKitIdentity,
} from '../identity/authkit-identity.js';
import type { RegisteredOptions } from '../options/module.options.js';
import { MAX_TIMEOUT_MS } from '../options/validation.js';
import { PicaClient, type PicaCall } from '../pica/pica.client.js';
import { MemoryBudget, ReceivedBytes } from '../pica/received-bytes.js';
import { Deadline, type RequestContext } from '../pica/request-context.js';
import { InvalidResponseError } from '../pica/responses.js';
import { AccountResolver } from './secret-key-and-scope.js';
import { Admission } from './admission.js';
import { Cancellation, shuttingDown } from './cancellation.js';
import { Diagnostics, type TracedOperation } from './diagnostics.js';
import { FailureLog } from './failure-log.js';
import { HealthRecord, type HealthState } from './health-record.js';
import type { RequestTiming } from './request-timing.js';

/** One request of the app that needs calls to Pica. */
export interface AppRequest extends RequestTiming {
  /** Where it is traced. Default: its calls alone are */
  readonly traced?: TracedOperation;
  /** Begins the log line of a failure, e.g. `No token`. */
  readonly outcome: string;
  /** Validated first. `undefined` for a request without an identity; `null` fails as `unidentified`. */
  readonly identity: AuthKitIdentity | undefined | null;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
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
  /** Identifies the account in caches and limits. */
  readonly account: string;
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
export class RequestRunner
  implements BeforeApplicationShutdown, OnApplicationShutdown
{
  private readonly admission = new Admission();
  private readonly cancellation = new Cancellation();
  private readonly memory: MemoryBudget;
  private readonly log: FailureLog;
  private readonly accounts: AccountResolver;
  private readonly diagnostics: Diagnostics;
  private readonly healthRecord: HealthRecord;
  /** Truly private: whoever inspects this object does not see the whole app. */
  readonly #modules: ModulesContainer;
  private drained?: Promise<void>;

  constructor(
    @Inject(PicaClient) private readonly pica: PicaClient,
    @Inject(AUTHKIT_OPTIONS) private readonly options: RegisteredOptions,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    this.#modules = modules;
    this.memory = new MemoryBudget(options.maxBytesInFlight);
    this.log = new FailureLog(options);
    this.accounts = new AccountResolver(options);
    this.diagnostics = new Diagnostics({
      registration: options.registration ?? 'default',
      vendor: options.vendor,
    });
    this.healthRecord = new HealthRecord(this.hasManyAccounts);
  }

  /** Whether the account depends on the identity. */
  get hasManyAccounts(): boolean {
    const { secretKey, scope } = this.options;
    return [secretKey.reveal(), scope].some(
      (given) => typeof given === 'function',
    );
  }

  /** What the last requests have shown of Pica. */
  get health(): HealthState {
    return this.healthRecord.state();
  }

  /** @throws {AuthKitException} and nothing else */
  run<T>(request: AppRequest, task: Task<T>): Promise<T> {
    return this.diagnostics.trace(request.traced, () =>
      this.execute(request, task),
    );
  }

  private async execute<T>(request: AppRequest, task: Task<T>): Promise<T> {
    const { outcome, identity, signal, extraTime = 0, isHandled } = request;
    const { startedAt = performance.now() } = request;
    const deadline = new Deadline(this.options.timeout + extraTime, startedAt);
    const received = new ReceivedBytes(this.memory);
    const observe = this.diagnostics.observeCalls();
    let calls = 0;
    const observeCall = (operation: string) => {
      calls += 1;
      return observe(operation);
    };
    try {
      if (this.drained) throw shuttingDown();
      const releases = [this.admission.acquireSlot()];
      try {
        const result$ = defer(() => this.prepare(identity, releases)).pipe(
          switchMap(({ identity, account }) => {
            const { secretKey, scopeHeaders } = account;
            releases.push(this.admission.acquireKeySlot(secretKey));
            if (scopeHeaders) {
              releases.push(this.admission.acquireTenantSlot(account.account));
            }
            const shared = { deadline, received, observeCall };
            return task({ ...account, ...shared }, identity);
          }),
          takeUntil(this.cancellation.of(signal, deadline.remaining())),
        );
        const result = await firstValueFrom(result$);
        if (calls > 0) this.healthRecord.succeeded();
        return result;
      } finally {
        received.release();
        for (const release of releases) release();
      }
    } catch (error) {
      const failure = normalizeError(error);
      if (calls > 0) this.healthRecord.failed(failure);
      const duration = performance.now() - startedAt;
      this.log.failed(outcome, failure, duration, isHandled?.(failure));
      throw failure;
    }
  }

  /**
   * Makes calls that several requests wait for. They have a deadline and count
   * their bytes on their own, since they do not end with the request that
   * starts them. They end when the app shuts down.
   */
  share<T>(
    context: RequestContext,
    fetch: (context: RequestContext) => Observable<T>,
  ): Observable<T> {
    return defer(() => {
      const deadline = new Deadline(this.options.timeout);
      const received = new ReceivedBytes(this.memory);
      return fetch({ ...context, deadline, received }).pipe(
        takeUntil(this.cancellation.of(undefined, deadline.remaining())),
        finalize(() => received.release()),
      );
    });
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
            account: context.account,
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
   * @throws {AuthKitException} `cancelled` on the signal, `unavailable` when the app shuts down
   */
  async wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const cancelled$ = this.cancellation.of(signal, MAX_TIMEOUT_MS);
    const wait$ = timer(Math.min(ms, MAX_TIMEOUT_MS));
    await firstValueFrom(wait$.pipe(takeUntil(cancelled$)));
  }

  /** Drains all registrations at once: Nest waits for one module before it asks the next. */
  async beforeApplicationShutdown(): Promise<void> {
    const runners = [...this.#modules.values()]
      .map(({ providers }) => providers.get(RequestRunner))
      // One that belongs to a request is not the app's.
      .filter((runner) => runner?.isDependencyTreeStatic())
      .map((runner) => runner!.instance as RequestRunner);
    await Promise.all(runners.map((runner) => runner.drain()));
  }

  /** Waits for the pending requests, at most `timeout`. Later ones fail as `unavailable`. */
  private drain(): Promise<void> {
    return (this.drained ??= this.waitUntilIdle());
  }

  private async waitUntilIdle(): Promise<void> {
    let timeout: NodeJS.Timeout | undefined;
    const timedOut = new Promise<void>((resolve) => {
      timeout = setTimeout(resolve, this.options.timeout);
    });
    await Promise.race([this.admission.idle(), timedOut]);
    clearTimeout(timeout);
    this.cancellation.shutDown();
  }

  onApplicationShutdown(): void {
    this.cancellation.shutDown();
  }

  private async prepare(
    candidate: AuthKitIdentity | undefined | null,
    releases: (() => void)[],
  ) {
    const identity =
      candidate === undefined ? undefined : parseIdentity(candidate);
    if (identity && /[\s:]/.test(identity.identity)) {
      this.log.warnAmbiguousIdentity();
    }
    if (identity) {
      this.log.warnLongIdentity(Buffer.byteLength(identity.identity));
    }
    if (identity?.tenant !== undefined) {
      // Before the account is known: a function of the options may let the request wait.
      releases.push(this.admission.acquireTenantSlot(identity.tenant));
    }
    return { identity, account: await this.accounts.resolve(identity) };
  }
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
