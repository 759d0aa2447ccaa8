import { HttpService } from '@nestjs/axios';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { AxiosRequestConfig, GenericAbortSignal } from 'axios';
import type { Observable } from 'rxjs';
import { AUTHKIT_LOG_CONTEXT, AUTHKIT_OPTIONS } from '../authkit.constants.js';
import {
  checkJson,
  readFlags,
  readPage,
  UnbelievableAnswer,
  type PicaFlags,
  type PicaPage,
} from './answers.js';
import { attempt } from './attempt.js';
import type { Deadline } from './deadline.js';
import { describeFailure } from './describe-failure.js';
import {
  dropQuotes,
  failureOf,
  failureOfError,
  malformed,
  type PicaResponse,
} from './failures.js';
import {
  createAgents,
  forgetGlobalDefaults,
  MAX_TOKEN_BYTES,
} from './pica.http.js';
import type { AuthKitHttpOptions, PicaOptions } from './pica.options.js';
import { RetryBudget } from './retry-budget.js';
import { withRetries } from './retry.js';
import type { AuthKitIdentityType } from './types.js';

/** What every call of one token shares. */
export interface PicaCall {
  readonly secretKey: string;
  readonly deadline: Deadline;
  /** What has come in so far: one count for all calls that are made for the token. */
  readonly received: { bytes: number };
}

/** The body of a token call: whom the connections will belong to. */
export interface PicaIdentity {
  identity?: string;
  identityType?: AuthKitIdentityType;
}

/**
 * Speaks to Pica's API. The Observables are cold, and unsubscribing from one
 * closes its connection; each fails with an `AuthKitException` only.
 *
 * @internal
 */
@Injectable()
export class PicaClient implements OnApplicationShutdown {
  /** Truly private: their sockets hold the headers of the calls that run. */
  readonly #agents = createAgents();
  readonly #route: AuthKitHttpOptions;
  private readonly budget = new RetryBudget();
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);

  constructor(
    @Inject(HttpService) private readonly http: HttpService,
    @Inject(AUTHKIT_OPTIONS) private readonly options: PicaOptions,
  ) {
    forgetGlobalDefaults(http);
    const { httpAgent, httpsAgent, proxy } = options.http();
    this.#route = {
      httpAgent: httpAgent ?? this.#agents.httpAgent,
      httpsAgent: httpsAgent ?? this.#agents.httpsAgent,
      proxy,
    };
  }

  /** The account's flags, or `undefined` where the vendor has none. */
  flags(call: PicaCall): Observable<PicaFlags> | undefined {
    const { flagsPath } = this.options.vendor;
    if (flagsPath === undefined) return undefined;
    return this.call({ method: 'GET', url: flagsPath }, readFlags, call);
  }

  /** One page of the integrations that an identity may connect. */
  page(
    who: PicaIdentity,
    page: number,
    limit: number,
    call: PicaCall,
  ): Observable<PicaPage> {
    const url = `${this.options.vendor.tokenPath}?limit=${limit}&page=${page}`;
    return this.call({ method: 'POST', url, data: who }, readPage, call);
  }

  onApplicationShutdown(): void {
    this.#agents.httpAgent.destroy();
    this.#agents.httpsAgent.destroy();
  }

  /** One call with its attempts. */
  private call<T>(
    request: AxiosRequestConfig,
    read: (body: Buffer) => T,
    token: PicaCall,
  ): Observable<T> {
    return attempt(
      (signal) => this.send(request, signal, read, token),
      this.options.attemptTimeout,
    ).pipe(
      withRetries(
        {
          retries: this.options.retries,
          budget: this.budget,
          onFailure: (failure, count) =>
            this.logger.debug(
              `${request.method} ${request.url}, attempt ${count}: ${describeFailure(failure)}.`,
            ),
        },
        token.deadline,
      ),
    );
  }

  private async send<T>(
    { method, url, data: body }: AxiosRequestConfig,
    signal: GenericAbortSignal,
    read: (body: Buffer) => T,
    token: PicaCall,
  ): Promise<T> {
    const { httpAgent, httpsAgent, proxy } = this.#route;
    try {
      // Spelled out, since to spread is several times as slow, and this is done for every call.
      const response = await this.http.axiosRef.request<Buffer>({
        method,
        url,
        data: body,
        baseURL: this.options.baseUrl,
        headers: {
          Accept: 'application/json',
          'Content-Type': 'application/json',
          [this.options.vendor.secretHeader]: token.secretKey,
        },
        httpAgent,
        httpsAgent,
        proxy,
        signal,
      });
      const { status, headers, data } = response;
      dropQuotes(response, token.secretKey);
      if (status < 200 || status > 299) throw failureOf(response);
      token.received.bytes += data.length;
      if (token.received.bytes > MAX_TOKEN_BYTES) {
        throw malformed(response, 'too large');
      }
      const answer = believe(response, () => {
        checkJson(data, headers['content-type']);
        return read(data);
      });
      this.budget.refill();
      return answer;
    } catch (error) {
      throw failureOfError(error);
    }
  }
}

/** @throws {AuthKitException} `malformed` where an answer cannot be read */
function believe<T>(response: PicaResponse, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const isOurs = error instanceof UnbelievableAnswer;
    throw malformed(response, isOurs ? error.message : 'not JSON');
  }
}
