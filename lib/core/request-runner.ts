import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { AuthKitException } from '../authkit.exception.js';
import type { AuthKitConnectionLabel } from '../authkit.types.js';
import {
  parseIdentity,
  type AuthKitIdentity,
} from '../identity/authkit-identity.js';
import { LIMITS } from '../options/limits.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { Deadline } from '../pica/deadline.js';
import { InvalidResponseError } from '../pica/json-checks.js';
import { wait, type Account, type CallContext } from '../pica/pica.client.js';
import { MemoryBudget } from '../pica/received-bytes.js';
import { AccountResolver } from './account-resolver.js';
import { Diagnostics, type TracedOperation } from './diagnostics.js';
import { FailureLog } from './failure-log.js';
import { HealthRecord, type HealthState } from './health-record.js';
import { Lifetimes, shuttingDown, type Lifetime } from './lifetime.js';
import { Admission, CallSlots, type Admitted } from './limits.js';

/** The key by which a route passes its {@link RouteContext} with the options of a method. @internal */
export const ROUTE_CONTEXT = Symbol.for('nestjs-pica-authkit:route-context');

/** When a request fails as `timed_out`. Calls with the same timing share one deadline. */
export interface RequestTiming {
  /** When the deadline began, on the clock of `performance.now()`. Default: now */
  readonly startedAt?: number;
  /** Time beyond the `timeout` option, in ms. Default: 0 */
  readonly extraTime?: number;
}

/** What a route knows beside the arguments of a method. @internal */
export interface RouteContext extends RequestTiming {
  /** The request of the platform. */
  readonly request?: object;
  /** Name and tags of the connections, which the grant of the request carries. */
  readonly label?: AuthKitConnectionLabel;
}

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
  /** The timeout in ms. Default: the option `timeout` */
  readonly timeout?: number;
  /** Whether the caller handles a failure and goes on. Such a failure is logged at level debug. */
  readonly isHandled?: (failure: AuthKitException) => boolean;
}

/** A running request. */
export interface Session extends CallContext {
  /** `undefined` for a request without an identity. */
  readonly identity: AuthKitIdentity | undefined;
  /**
   * Makes calls that several requests wait for. They have a deadline and count
   * their bytes on their own, since they do not end with the request that
   * starts them. They end when the app shuts down.
   */
  readonly share: <T>(fetch: Task<T>) => Promise<T>;
}

/** Makes the calls of a request. When the request ends, the signal of the session aborts them. */
export type Task<T> = (session: Session) => Promise<T>;

/**
 * Runs what a service needs of Pica: it limits the pending requests, validates
 * the identity, resolves the account, sets the deadline, cancels, logs failures
 * and turns every error into an `AuthKitException`.
 *
 * @internal
 */
@Injectable()
export class RequestRunner
  implements BeforeApplicationShutdown, OnApplicationShutdown
{
  /** The bytes that all pending requests hold, responses that are being sent included. */
  readonly memory: MemoryBudget;
  private readonly admission = new Admission();
  private readonly slots = new CallSlots();
  private readonly lifetimes: Lifetimes;
  private readonly log: FailureLog;
  private readonly accounts: AccountResolver;
  private readonly diagnostics: Diagnostics;
  private readonly healthRecord: HealthRecord;
  /** Truly private: whoever inspects this object does not see the whole app. */
  readonly #modules: ModulesContainer;
  private drained?: Promise<void>;

  constructor(
    @Inject(AUTHKIT_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    this.#modules = modules;
    this.memory = new MemoryBudget(options[LIMITS].maxBytesInFlight);
    this.lifetimes = new Lifetimes(this.memory);
    this.diagnostics = new Diagnostics(options);
    this.log = new FailureLog(options, this.diagnostics);
    this.accounts = new AccountResolver(options);
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

  /**
   * Runs a request.
   *
   * @throws {AuthKitException} and nothing else
   */
  run<T>(request: AppRequest, task: Task<T>): Promise<T> {
    const { traced, identity } = request;
    if (!traced) return this.execute(request, task);
    return this.diagnostics.trace(traced, identity, () =>
      this.execute(request, task),
    );
  }

  private async execute<T>(request: AppRequest, task: Task<T>): Promise<T> {
    const { startedAt = performance.now(), extraTime = 0 } = request;
    const { timeout = this.options.timeout, outcome, isHandled } = request;
    const deadline = new Deadline(timeout + extraTime, startedAt);
    let lifetime: Lifetime | undefined;
    let admitted: Admitted | undefined;
    try {
      if (this.drained) throw shuttingDown();
      lifetime = this.lifetimes.start(deadline, request.signal);
      admitted = this.admission.enter();
      const result = await lifetime.race(
        this.begin(request.identity, lifetime, admitted, task),
      );
      if (lifetime.callsMade > 0) this.healthRecord.succeeded();
      return result;
    } catch (error) {
      const failure = normalizeError(error);
      // A part of the task that goes on makes no further call, and what is cut off is no failure of its own.
      lifetime?.cancel();
      if (lifetime?.callsMade) this.healthRecord.failed(failure);
      this.log.failed(outcome, failure, {
        duration: performance.now() - startedAt,
        identity: request.identity,
        isHandled: isHandled?.(failure),
      });
      throw failure;
    } finally {
      admitted?.leave();
      lifetime?.close();
    }
  }

  private async begin<T>(
    candidate: AuthKitIdentity | undefined | null,
    lifetime: Lifetime,
    admitted: Admitted,
    task: Task<T>,
  ): Promise<T> {
    const identity =
      candidate === undefined ? undefined : parseIdentity(candidate);
    // Before the account is known: a function of the options may let the request wait.
    if (identity?.tenant !== undefined) {
      admitted.countFor(`tenant ${identity.tenant}`);
    }
    const account = await this.accounts.resolve(identity);
    lifetime.signal.throwIfAborted();
    admitted.countFor(account.id);
    return task(this.createSession(lifetime, account, identity));
  }

  private createSession(
    lifetime: Lifetime,
    account: Account,
    identity: AuthKitIdentity | undefined,
  ): Session {
    const { deadline, signal, received } = lifetime;
    return {
      identity,
      account,
      deadline,
      signal,
      received,
      startCall: async () => {
        await this.slots.start(account.id, signal);
        lifetime.callsMade += 1;
        lifetime.pendingCalls += 1;
        return () => {
          lifetime.pendingCalls -= 1;
          this.slots.end(account.id);
        };
      },
      traceAttempt: (operation, attempt, run) =>
        this.diagnostics.traceAttempt(operation, attempt, identity, run),
      share: async (fetch) => {
        const shared = this.lifetimes.start(new Deadline(this.options.timeout));
        try {
          const session = this.createSession(shared, account, identity);
          return await shared.race(fetch(session));
        } finally {
          shared.close();
        }
      },
    };
  }

  /**
   * Waits between two requests.
   *
   * @throws {AuthKitException} `cancelled` on the signal, `unavailable` when the app shuts down
   */
  async wait(ms: number, caller: AbortSignal | undefined): Promise<void> {
    const lifetime = this.lifetimes.start(new Deadline(ms + 1_000), caller);
    try {
      await wait(ms, lifetime.signal);
    } finally {
      lifetime.close();
    }
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
    let timer: NodeJS.Timeout | undefined;
    const timedOut = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.options.timeout);
    });
    await Promise.race([this.admission.idle(), timedOut]);
    clearTimeout(timer);
    this.lifetimes.shutDown();
  }

  onApplicationShutdown(): void {
    this.lifetimes.shutDown();
  }
}

function normalizeError(error: unknown): AuthKitException {
  if (error instanceof AuthKitException) return error;
  if (error instanceof InvalidResponseError) {
    const cause = new Error(error.message);
    return new AuthKitException('malformed', { cause });
  }
  const name = error instanceof Error ? error.name : typeof error;
  const cause = new Error(`an unexpected ${name}`);
  return new AuthKitException('unavailable', { cause });
}
