import { tracingChannel, type TracingChannel } from 'node:diagnostics_channel';
import {
  AuthKitException,
  type AuthKitErrorReason,
} from '../authkit.exception.js';
import type { AuthKitIdentity } from '../identity/authkit-identity.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { AttemptRecord } from '../pica/pica.client.js';
import type { AuthKitVendor } from '../vendors/index.js';
import { createWarnOnce, sanitizeForLog } from '../warn-once.js';

/** The maximum number of labels, and the maximum length of a name and of a value. */
const MAX_LABELS = 5;
const MAX_LABEL_LENGTH = 64;

/**
 * What the events of the tracing channels carry: `nestjs-pica-authkit:token`,
 * `:connections`, `:passthrough`, `:grant` and `:upstream`. Never a key, an
 * identity, a header, a body or a path of a platform. All events of one
 * operation carry the same object.
 */
export interface AuthKitTraceContext {
  /** The name of the registration. Default: `default` */
  readonly registration: string;
  readonly vendor: AuthKitVendor;
  /**
   * What runs. Tokens: `create` or `integrations`. Connections: the method, e.g.
   * `list`; `all`, `scan` and `deleteAll` once for each page and each deletion.
   * Calls: `fetch` or `actions`. Grants: `verify`. Upstream calls:
   * method and path, e.g. `POST /v1/authkit` or `GET /v1/vault/connections/:id`.
   */
  readonly operation: string;
  /** What the option `labels` returns for the identity; `{}` without it. */
  readonly labels: Readonly<Record<string, string>>;
  /** Calls to a platform: its name, the HTTP method and the id of the action, once known. */
  platform?: string;
  method?: string;
  action?: string;
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

const channel = (name: string) =>
  tracingChannel(`nestjs-pica-authkit:${name}`) as Channel;

const CHANNELS = {
  token: channel('token'),
  connections: channel('connections'),
  passthrough: channel('passthrough'),
  grant: channel('grant'),
};

const UPSTREAM = channel('upstream');

/** The channel and the name of an operation. */
export interface TracedOperation {
  readonly channel: keyof typeof CHANNELS;
  readonly operation: string;
  /** Called with what the events carry, to be completed. Not called without subscribers. */
  readonly onStart?: (context: AuthKitTraceContext) => void;
}

/** Publishes what a registration does. Without subscribers it does nothing. */
export class Diagnostics {
  private readonly warnOnce = createWarnOnce();

  constructor(
    private readonly options: Pick<
      ResolvedOptions,
      'registration' | 'vendor' | 'labels'
    >,
  ) {}

  /**
   * Runs an operation and publishes it. (`tracePromise` would put the result on the context.)
   *
   * @param run rejects with an `AuthKitException` only
   */
  trace<T>(
    { channel, operation, onStart }: TracedOperation,
    identity: AuthKitIdentity | undefined | null,
    run: () => Promise<T>,
  ): Promise<T> {
    if (!CHANNELS[channel].hasSubscribers) return run();
    const context = this.createContext(operation, undefined, identity);
    onStart?.(context);
    return publish(CHANNELS[channel], context, run);
  }

  /** Runs one attempt of a call and publishes it. */
  traceAttempt<T>(
    operation: string,
    attempt: number,
    identity: AuthKitIdentity | undefined,
    run: (record: AttemptRecord) => Promise<T>,
  ): Promise<T> {
    if (!UPSTREAM.hasSubscribers) return run({});
    const context = this.createContext(operation, attempt, identity);
    return publish(UPSTREAM, context, () => run(context));
  }

  /** What the option `labels` returns for an identity: at most 5 strings of 64 characters. */
  labelsFor(
    identity: AuthKitIdentity | undefined | null,
  ): Readonly<Record<string, string>> {
    const { labels: resolve } = this.options;
    if (!resolve) return {};
    try {
      const labels = Object.entries(resolve(identity ?? undefined) ?? {})
        .slice(0, MAX_LABELS)
        .map((label) => label.map(formatLabel));
      return Object.fromEntries(labels) as Record<string, string>;
    } catch {
      this.warnOnce(
        'labels',
        'The labels function threw an error. (Logged once.)',
      );
      return {};
    }
  }

  private createContext(
    operation: string,
    attempt: number | undefined,
    identity: AuthKitIdentity | undefined | null,
  ): AuthKitTraceContext {
    const { registration = 'default', vendor } = this.options;
    return {
      registration,
      vendor,
      operation,
      labels: this.labelsFor(identity),
      attempt,
      status: undefined,
      durationMs: undefined,
      reason: undefined,
      correlationId: undefined,
    };
  }
}

function formatLabel(text: unknown): string {
  return sanitizeForLog(String(text).slice(0, MAX_LABEL_LENGTH));
}

async function publish<T>(
  channel: Channel,
  context: AuthKitTraceContext,
  run: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  const promise = channel.start.runStores(context, () => {
    try {
      return run();
    } finally {
      channel.end.publish(context);
    }
  });
  try {
    return await promise;
  } catch (error) {
    const failure = error as AuthKitException;
    context.reason = failure.reason;
    context.status = failure.upstreamStatus ?? context.status;
    context.correlationId = failure.correlationId ?? context.correlationId;
    context.durationMs = performance.now() - startedAt;
    if (failure.reason !== 'cancelled') {
      // Its own message and cause may name connections.
      context.error = failure.with({ message: undefined, cause: undefined });
      channel.error.publish(context);
    }
    throw error;
  } finally {
    context.durationMs ??= performance.now() - startedAt;
    channel.asyncStart.publish(context);
    channel.asyncEnd.publish(context);
  }
}
