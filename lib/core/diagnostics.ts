import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel, type TracingChannel } from 'node:diagnostics_channel';
import { Observable } from 'rxjs';
import {
  AuthKitException,
  type AuthKitErrorReason,
} from '../authkit.exception.js';
import type { AttemptObserver } from '../pica/request-context.js';
import type { AuthKitVendor } from '../vendors/index.js';

/**
 * What the events of the tracing channels `nestjs-pica-authkit:token`,
 * `nestjs-pica-authkit:connections` and `nestjs-pica-authkit:upstream` carry.
 * Never a key, an identity, a header or a body. All events of one operation
 * carry the same object.
 */
export interface AuthKitTraceContext {
  /** The name of the registration. Default: `default` */
  readonly registration: string;
  readonly vendor: AuthKitVendor;
  /**
   * What runs. Tokens: `create` or `integrations`. Connections: the method, e.g.
   * `list`; `all` and `deleteAll` once for each page and each deletion. Upstream
   * calls: method and path, e.g. `POST /v1/authkit` or `GET /v1/vault/connections/:id`.
   */
  readonly operation: string;
  /** Upstream calls: the number of the attempt, from 1. */
  readonly attempt: number | undefined;
  /** The status of Pica's response, once there is one. Tokens and connections: that of the response that failed them. */
  status: number | undefined;
  /** How long it took, in ms, once it has ended. */
  durationMs: number | undefined;
  /** Why it failed. `cancelled` is no failure: there is no `error` then. */
  reason: AuthKitErrorReason | undefined;
  /** Pica's id of the call, where the response has one. */
  correlationId: string | undefined;
  /** The failure. Its message is the default one of the reason: it names nobody. */
  error?: AuthKitException;
}

type Channel = TracingChannel<unknown, AuthKitTraceContext>;

const CHANNELS = {
  token: tracingChannel('nestjs-pica-authkit:token') as Channel,
  connections: tracingChannel('nestjs-pica-authkit:connections') as Channel,
};

const UPSTREAM = tracingChannel('nestjs-pica-authkit:upstream') as Channel;

/** The channel and the name of an operation. */
export interface TracedOperation {
  readonly channel: keyof typeof CHANNELS;
  readonly operation: string;
}

/** Publishes what a registration does. Without subscribers it does nothing. */
export class Diagnostics {
  constructor(
    private readonly registration: {
      readonly registration: string;
      readonly vendor: AuthKitVendor;
    },
  ) {}

  /**
   * Runs an operation. (`tracePromise` would put the result on the context.)
   *
   * @param run rejects with an `AuthKitException` only
   */
  trace<T>(
    traced: TracedOperation | undefined,
    run: () => Promise<T>,
  ): Promise<T> {
    const channel = traced && CHANNELS[traced.channel];
    return channel?.hasSubscribers
      ? this.traceObserved(channel, traced!.operation, run)
      : run();
  }

  private async traceObserved<T>(
    channel: Channel,
    operation: string,
    run: () => Promise<T>,
  ): Promise<T> {
    const trace = this.begin(channel, operation);
    try {
      const result = await trace.run(run);
      trace.finish();
      return result;
    } catch (error) {
      trace.finish(error as AuthKitException);
      throw error;
    }
  }

  /** Observes the calls of one request of the app. To be called where the request runs: its async context becomes theirs. */
  observeCalls(): (operation: string) => AttemptObserver {
    if (!UPSTREAM.hasSubscribers) return () => (start) => start({});
    // A call may start when another one ends, and so in that one's async context.
    const inContext = AsyncLocalStorage.snapshot();
    return (operation) => {
      let attempts = 0;
      return (start) =>
        new Observable((subscriber) =>
          inContext(() => {
            attempts += 1;
            const trace = this.begin(UPSTREAM, operation, attempts);
            subscriber.add(() => trace.cancel());
            const source = trace.run(() =>
              start(trace.context).subscribe({
                next: (value) => {
                  trace.finish();
                  inContext(() => subscriber.next(value));
                },
                error: (failure: AuthKitException) => {
                  trace.finish(failure);
                  inContext(() => subscriber.error(failure));
                },
                complete: () => inContext(() => subscriber.complete()),
              }),
            );
            subscriber.add(source);
          }),
        );
    };
  }

  private begin(channel: Channel, operation: string, attempt?: number): Trace {
    return new Trace(channel, {
      ...this.registration,
      operation,
      attempt,
      status: undefined,
      durationMs: undefined,
      reason: undefined,
      correlationId: undefined,
    });
  }
}

/** One run of an operation, or one attempt of a call. */
class Trace {
  private readonly startedAt = performance.now();
  private isFinished = false;

  constructor(
    private readonly channel: Channel,
    readonly context: AuthKitTraceContext,
  ) {}

  run<T>(start: () => T): T {
    const { channel, context } = this;
    return channel.start.runStores(context, () => {
      try {
        return start();
      } finally {
        channel.end.publish(context);
      }
    });
  }

  finish(failure?: AuthKitException): void {
    if (this.isFinished) return;
    this.isFinished = true;
    const { channel, context } = this;
    context.durationMs = performance.now() - this.startedAt;
    if (failure) {
      context.reason = failure.reason;
      context.status = failure.upstreamStatus ?? context.status;
      context.correlationId = failure.correlationId ?? context.correlationId;
      if (failure.reason !== 'cancelled') {
        context.error = withDefaultMessage(failure);
        channel.error.publish(context);
      }
    }
    channel.asyncStart.publish(context);
    channel.asyncEnd.publish(context);
  }

  /** Finishes what has no result yet: another call has decided the outcome, or the caller has gone. */
  cancel(): void {
    if (!this.isFinished) this.finish(new AuthKitException('cancelled'));
  }
}

/** A failure without a message of its own, which may name connections. */
function withDefaultMessage(failure: AuthKitException): AuthKitException {
  const { upstreamStatus, upstreamCode, correlationId } = failure;
  const { retryAfter, attempts, deleted, cause } = failure;
  return new AuthKitException(failure.reason, {
    upstreamStatus,
    upstreamCode,
    correlationId,
    retryAfter,
    attempts,
    deleted,
    cause: cause as Error | undefined,
  });
}
