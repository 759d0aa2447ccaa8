import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { LazyModuleLoader } from '@nestjs/core';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import { AuthKitException, formatFailure } from '../authkit.exception.js';
import { BoundedMap } from '../bounded-map.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { VENDORS } from '../vendors/index.js';
import type { Deadline } from './deadline.js';
import {
  HttpClient,
  type HttpRequest,
  type HttpResponse,
} from './http-client.js';
import { assertJson, InvalidResponseError } from './json-checks.js';
import {
  BodyTooLargeError,
  MAX_BODY_BYTES,
  type ReceivedBytes,
} from './received-bytes.js';
import { RetryBudget, retryDelay } from './retry.js';
import {
  correlationIdOf,
  fromNetworkError,
  fromResponse,
  type ResponseFacts,
} from './upstream-error.js';

/** The maximum number of accounts whose retry budget is remembered. */
const MAX_ACCOUNTS = 10_000;

/** Whose calls: a secret key, and a tenant of it. */
export interface Account {
  /** Identifies the account in caches and limits. It may hold the secret key: nothing shows it. */
  readonly id: string;
  readonly secretKey: string;
  /** The headers that select the vendor's own tenant. */
  readonly scopeHeaders?: Readonly<Record<string, string>>;
}

/** What a response says about itself. */
export interface AttemptRecord {
  status?: number;
  correlationId?: string;
}

/** What all calls to Pica share that one request of the app causes. */
export interface CallContext {
  readonly account: Account;
  readonly deadline: Deadline;
  /** Aborts when the request ends. Its reason is the failure of the request. */
  readonly signal: AbortSignal;
  readonly received: ReceivedBytes;
  /** The owner's id, which no correlation id may repeat. */
  readonly identity?: { readonly identity: string };
  /** Waits until a call may start. Returns the function that ends it. */
  startCall(): Promise<() => void>;
  /** Runs one attempt of a call, e.g. `POST /v1/authkit`, and publishes what it does. */
  traceAttempt<T>(
    operation: string,
    attempt: number,
    run: (record: AttemptRecord) => Promise<T>,
  ): Promise<T>;
}

/** A call to Pica's API. */
export interface PicaCall<T> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the `baseUrl`, with the query. */
  readonly path: string;
  /** The path for logs and traces, if the path holds what they must not show. Default: `path` without its query */
  readonly route?: string;
  /** Sent as JSON. */
  readonly body?: object;
  /**
   * Parses and validates the body of a response with a status of 2xx.
   *
   * @throws {InvalidResponseError} if it is not what the call expects
   * @throws {SyntaxError} if it is not JSON; the message quotes the body, so nothing shows it
   */
  readonly parse: (body: Buffer) => T;
  /** The result of an empty body. Without it an empty body is invalid. */
  readonly ifEmpty?: T;
  /** Whether the body does not matter. `parse` then gets an empty one. */
  readonly ignoresBody?: boolean;
  /** The number of times to retry it. Default: the option `retries` */
  readonly retries?: number;
  /** Whether nobody may need the result: a failure is neither retried nor logged. */
  readonly isSpeculative?: boolean;
}

/** A response that was read as far as is needed. */
export interface OpenResponse<B> {
  readonly response: HttpResponse;
  /** What was read. */
  readonly body: B;
  /** Closes the connection, if the body has not ended. */
  readonly abort: () => void;
}

/** How a call is repeated. */
export interface Attempts {
  /** E.g. `POST /v1/authkit`, for logs and traces. */
  readonly operation: string;
  /** The number of times to retry. */
  readonly retries: number;
  /** Whether nobody may need the result: a failure is neither retried nor logged. */
  readonly isSpeculative?: boolean;
}

/** Makes calls to Pica's API, with retries and a timeout for each attempt. It throws an `AuthKitException` only. */
export class PicaClient {
  readonly http: HttpClient;
  private readonly secretHeader: string;
  private readonly budgets = new BoundedMap<RetryBudget>(MAX_ACCOUNTS);
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);

  constructor(
    private readonly options: ResolvedOptions,
    loader: LazyModuleLoader,
  ) {
    this.http = new HttpClient(options, loader);
    this.secretHeader = VENDORS[options.vendor].secretHeader;
  }

  /** Makes one call of the API, with its retries. */
  async request<T>(call: PicaCall<T>, context: CallContext): Promise<T> {
    const route = call.route ?? call.path.split('?', 1)[0]!;
    const { account, received } = context;
    const request = {
      method: call.method,
      url: call.path,
      headers: {
        Accept: 'application/json',
        'Content-Type': 'application/json',
        [this.secretHeader]: account.secretKey,
        ...account.scopeHeaders,
      },
      body: call.body && JSON.stringify(call.body),
      replacesStale: true,
    };
    const attempts = {
      operation: `${call.method} ${route}`,
      retries: call.retries ?? this.options.retries,
      isSpeculative: call.isSpeculative,
    };
    return this.retry(attempts, context, async (record) => {
      const timeout = this.options.attemptTimeout;
      const { response, body } = await this.send(
        request,
        context,
        (response) => readBody(response.data, received),
        { timeout, route },
      );
      const { status, headers } = response;
      const facts = factsOf(response, context);
      record.status = status;
      record.correlationId = facts.correlationId;
      if (status < 200 || status > 299) {
        const upstreamCall = this.describe(route);
        throw fromResponse(facts, headers).with({ upstreamCall });
      }
      try {
        if (call.ignoresBody) return call.parse(Buffer.alloc(0));
        if (body.length === 0 && 'ifEmpty' in call) return call.ifEmpty as T;
        assertJson(body, headers['content-type']);
        return call.parse(body);
      } catch (error) {
        const isOurs = error instanceof InvalidResponseError;
        const cause = new Error(isOurs ? error.message : 'not JSON');
        throw new AuthKitException('malformed', { ...facts, cause });
      }
    });
  }

  /** Makes attempts until one succeeds, or it makes no sense to go on. */
  async retry<T>(
    { operation, retries, isSpeculative }: Attempts,
    context: CallContext,
    attempt: (record: AttemptRecord) => Promise<T>,
  ): Promise<T> {
    const { id } = context.account;
    const known = this.budgets.get(id);
    const budget = known ?? new RetryBudget();
    if (!known) this.budgets.set(id, budget);
    const { deadline, signal } = context;
    for (let count = 1; ; count += 1) {
      let delay: number | AuthKitException;
      const endCall = await context.startCall();
      try {
        const result = await context.traceAttempt(operation, count, attempt);
        budget.refill();
        return result;
      } catch (error) {
        signal.throwIfAborted();
        const failure = error as AuthKitException;
        if (isSpeculative) throw failure;
        this.logger.debug(
          `${operation}, attempt ${count}: ${formatFailure(failure)}.`,
        );
        delay = retryDelay(failure, count, { retries, budget, deadline });
      } finally {
        endCall();
      }
      if (typeof delay !== 'number') throw delay.with({ attempts: count });
      await wait(delay, signal);
    }
  }

  /**
   * Sends a request, and reads its response as far as the caller needs. The
   * request is aborted when the context ends, or after `timeout` ms.
   *
   * @param read reads the response. Afterwards `abort` alone ends it.
   * @throws {AuthKitException}
   */
  async send<B>(
    request: HttpRequest,
    { signal }: CallContext,
    read: (response: HttpResponse) => Promise<B>,
    { timeout, route }: { timeout?: number; route: string },
  ): Promise<OpenResponse<B>> {
    // Linked by hand: AbortSignal.any() costs several times as much.
    const abort = new AbortController();
    const onEnd = () => abort.abort(signal.reason);
    signal.addEventListener('abort', onEnd);
    const onTimeout = () => abort.abort(new AuthKitException('timed_out'));
    const timer = timeout && setTimeout(onTimeout, timeout);
    try {
      const response = await this.http.send(request, abort.signal);
      const body = await read(response);
      return { response, body, abort: () => abort.abort() };
    } catch (error) {
      abort.signal.throwIfAborted();
      const upstreamCall = this.describe(route);
      throw fromNetworkError(error).with({ upstreamCall });
    } finally {
      clearTimeout(timer as NodeJS.Timeout | undefined);
      signal.removeEventListener('abort', onEnd);
    }
  }

  /** Host and path of a call, for the log. */
  private describe(route: string): string {
    const { host, pathname } = new URL(this.options.baseUrl);
    return `${host}${pathname.replace(/\/$/, '')}${route}`;
  }
}

/** What a response says about itself. */
export function factsOf(
  { status, headers }: HttpResponse,
  { account, identity }: CallContext,
): ResponseFacts {
  const sent = [account.secretKey, identity?.identity ?? ''];
  const correlationId = correlationIdOf(headers, sent);
  return { upstreamStatus: status, correlationId };
}

/**
 * Reads a body to its end.
 *
 * @throws {BodyTooLargeError} beyond 4 MB; and what `received` throws
 */
async function readBody(
  body: Readable,
  received: ReceivedBytes,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new BodyTooLargeError();
    received.add(chunk.length);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/** Waits between two attempts, or two looks. It rejects with the signal's reason. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw signal.reason;
  }
}
