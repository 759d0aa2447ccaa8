import {
  Logger,
  type FactoryProvider,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { GenericAbortSignal } from 'axios';
import type { Observable } from 'rxjs';
import { AUTHKIT_LOG_CONTEXT, AUTHKIT_OPTIONS } from '../authkit.constants.js';
import { formatFailure } from '../authkit.exception.js';
import type { ModuleOptions } from '../options/module.options.js';
import { withAttemptTimeout } from './attempt-timeout.js';
import { CallQueue } from './call-queue.js';
import type { AttemptRecord, RequestContext } from './request-context.js';
import { assertJson, InvalidResponseError } from './responses.js';
import { RetryBudget } from './retry-budget.js';
import { withRetries } from './retry.js';
import type { HttpResponse, Transport } from './transport.js';
import {
  correlationIdOf,
  fromNetworkError,
  fromResponse,
  invalidResponse,
  redactCorrelationId,
} from './upstream-error.js';
import { VENDORS, type Vendor } from '../vendors/index.js';

/** A call to Pica's API. */
export interface PicaCall<T> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the `baseUrl`, with the query. */
  readonly path: string;
  /** The path for log lines, where the path or its query holds what they must not show. Default: `path` */
  readonly logPath?: string;
  /** Sent as JSON. */
  readonly body?: object;
  /**
   * Parses and validates the body of a response with a status of 2xx.
   *
   * @throws {InvalidResponseError} where it is not what the call expects
   * @throws {SyntaxError} where it is not JSON; the message quotes the body, so nothing shows it
   */
  readonly parse: (body: Buffer) => T;
  /** The result of an empty body. Without it an empty body is invalid. */
  readonly ifEmpty?: T;
  /** Whether the call expects no body. Whatever comes is not looked at, and `parse` gets an empty one. */
  readonly ignoresBody?: boolean;
  /** The number of times to retry it. Default: the option `retries` */
  readonly retries?: number;
}

/**
 * Calls Pica's API. The Observables are cold, and unsubscribing from one closes
 * its connection. Each fails with an `AuthKitException` only.
 *
 * @internal
 */
export class PicaClient implements OnApplicationShutdown {
  readonly #transport: Transport;
  private readonly vendor: Vendor;
  private readonly queue = new CallQueue();
  private readonly budget = new RetryBudget();
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);

  constructor(
    private readonly options: ModuleOptions,
    transport: Transport,
  ) {
    this.vendor = VENDORS[options.vendor];
    this.#transport = transport;
  }

  /** Makes one call, with its retries. */
  request<T>(call: PicaCall<T>, context: RequestContext): Observable<T> {
    // A new connection for a stale one is free once a call.
    const stale = { retries: 1 };
    const [route] = (call.logPath ?? call.path).split('?', 1);
    const attempt$ = context.observeCall(`${call.method} ${route}`)((record) =>
      withAttemptTimeout(
        (signal) => this.send(call, signal, context, stale, record),
        this.options.attemptTimeout,
      ),
    );
    return this.queue.run(context.account, attempt$).pipe(
      withRetries(
        {
          retries: call.retries ?? this.options.retries,
          budget: this.budget,
          onFailedAttempt: (failure, count) =>
            this.logger.debug(
              `${call.method} ${call.logPath ?? call.path}, attempt ${count}: ${formatFailure(failure)}.`,
            ),
        },
        context.deadline,
      ),
    );
  }

  onApplicationShutdown(): void {
    this.#transport.close();
  }

  private async send<T>(
    call: PicaCall<T>,
    signal: GenericAbortSignal,
    { secretKey, scopeHeaders, received }: RequestContext,
    stale: { retries: number },
    record: AttemptRecord,
  ): Promise<T> {
    try {
      const response = await this.#transport.send({
        method: call.method,
        url: call.path,
        body: call.body,
        headers: {
          Accept: 'application/json',
          'Content-Type': 'application/json',
          [this.vendor.secretHeader]: secretKey,
          ...scopeHeaders,
        },
        signal,
        stale,
        onBytes: (bytes) => received.add(bytes),
      });
      const { status } = response;
      redactCorrelationId(response, secretKey);
      record.status = status;
      record.correlationId = correlationIdOf(response);
      if (status < 200 || status > 299) throw fromResponse(response);
      const result = parseResponse(call, response);
      this.budget.refill();
      return result;
    } catch (error) {
      throw fromNetworkError(error);
    }
  }
}

/** Provides the client of a registration, and loads the packages that it calls Pica with. */
export const picaClientProvider: FactoryProvider<PicaClient> = {
  provide: PicaClient,
  useFactory: async (options: ModuleOptions) => {
    const Transport = await loadTransport();
    return new PicaClient(
      options,
      new Transport(options.baseUrl, options.http?.reveal()),
    );
  },
  inject: [AUTHKIT_OPTIONS],
};

/**
 * Loads the transport only when an app boots, with what it imports: where these
 * packages are missing, or Jest on CommonJS finds ES modules, the error says so.
 *
 * @throws {Error} that says what to install
 */
async function loadTransport(): Promise<typeof Transport> {
  try {
    const module = await import(/* webpackMode: "eager" */ './transport.js');
    return module.Transport;
  } catch (cause) {
    throw new Error(
      'AuthKitModule calls Pica with the packages "@nestjs/axios" and "axios", which could not be loaded: ' +
        'npm install @nestjs/axios@4 axios (on Nest 12: npm install @nestjs/axios@12 axios).',
      { cause },
    );
  }
}

/** @throws {AuthKitException} `malformed` where the body is not what the call expects */
function parseResponse<T>(call: PicaCall<T>, response: HttpResponse): T {
  const { data, headers } = response;
  if (call.ignoresBody) return call.parse(Buffer.alloc(0));
  if (data.length === 0 && 'ifEmpty' in call) return call.ifEmpty as T;
  try {
    assertJson(data, headers['content-type']);
    return call.parse(data);
  } catch (error) {
    const isOurs = error instanceof InvalidResponseError;
    throw invalidResponse(response, isOurs ? error.message : 'not JSON');
  }
}
