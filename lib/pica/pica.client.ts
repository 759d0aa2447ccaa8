import { HttpService } from '@nestjs/axios';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { AxiosRequestConfig } from 'axios';
import { catchError, map, throwError, type Observable } from 'rxjs';
import { AUTHKIT_LOG_CONTEXT, AUTHKIT_OPTIONS } from '../authkit.constants.js';
import {
  checkJson,
  readFlags,
  readPage,
  UnbelievableAnswer,
  type PicaFlags,
  type PicaPage,
} from './answers.js';
import { axiosRequest } from './axios-request.js';
import type { Deadline } from './deadline.js';
import { describeFailure } from './describe-failure.js';
import { failureOf, failureOfError, malformed } from './failures.js';
import {
  createAgents,
  forgetGlobalDefaults,
  MAX_TOKEN_BYTES,
} from './pica.http.js';
import type { PicaOptions } from './pica.options.js';
import { RetryBudget } from './retry-budget.js';
import { withRetries } from './retry.js';
import type { AuthKitIdentityType } from './types.js';

/** What every call of one token shares. */
export interface PicaCall {
  readonly secretKey: string;
  readonly deadline: Deadline;
  /** What has come in so far, in bytes. */
  received: number;
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
  private readonly budget = new RetryBudget();
  private readonly logger = new Logger(AUTHKIT_LOG_CONTEXT);

  constructor(
    @Inject(HttpService) private readonly http: HttpService,
    @Inject(AUTHKIT_OPTIONS) private readonly options: PicaOptions,
  ) {
    forgetGlobalDefaults(http);
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

  private call<T>(
    request: AxiosRequestConfig,
    read: (body: Buffer) => T,
    token: PicaCall,
  ): Observable<T> {
    return axiosRequest(this.http, {
      ...this.#agents,
      ...this.options.http,
      ...request,
      baseURL: this.options.baseUrl,
      headers: {
        Accept: 'application/json',
        'Content-Type': 'application/json',
        [this.options.vendor.secretHeader]: token.secretKey,
      },
    }).pipe(
      map((response) => {
        const { status, headers, data } = response;
        if (status < 200 || status > 299) throw failureOf(response);
        token.received += data.length;
        if (token.received > MAX_TOKEN_BYTES) {
          throw malformed(response, 'too large');
        }
        try {
          checkJson(data, headers['content-type']);
          return read(data);
        } catch (error) {
          throw malformed(
            response,
            error instanceof UnbelievableAnswer ? error.message : 'not JSON',
          );
        }
      }),
      catchError((error: unknown) => throwError(() => failureOfError(error))),
      withRetries(
        {
          ...this.options,
          budget: this.budget,
          onFailure: (failure, attempt) =>
            this.logger.debug(
              `${request.method} ${request.url}, attempt ${attempt}: ${describeFailure(failure)}.`,
            ),
        },
        token.deadline,
      ),
    );
  }
}
