import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import type { LazyModuleLoader } from '@nestjs/core';
import type { AxiosInstance, AxiosRequestConfig, AxiosResponse } from 'axios';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { trimTrailingSlashes } from '../options/trim-slashes.js';
import { selectProxy, type TunnelAgent } from './proxy.js';

/** Keep-alive agents: without them every call pays for a TLS handshake. */
const AGENT_OPTIONS = {
  keepAlive: true,
  // What axios sets for every call, at a system call each if the agent's own value differs.
  keepAliveMsecs: 60_000,
  // 256 calls in flight, and 256 bodies that are being read.
  maxSockets: 512,
};

/** What is the same for every call. It holds no agent and no key, which whoever inspects the client would see. */
const STATIC_CONFIG = {
  adapter: 'http',
  // A redirect would carry the secret header to wherever it points.
  maxRedirects: 0,
  allowAbsoluteUrls: false,
  // We judge statuses and bodies, not axios: an AxiosError holds the request's headers.
  validateStatus: null,
  // We read the body, so that bytes are counted as they arrive.
  responseType: 'stream',
  transformRequest: [],
  transformResponse: [],
} satisfies AxiosRequestConfig;

/** One HTTP request. */
export interface HttpRequest {
  readonly method: string;
  /** The path below the `baseUrl`, with the query. */
  readonly url: string;
  /** `false` for a header that must not be sent. */
  readonly headers: Readonly<Record<string, string | false>>;
  readonly body?: string | Buffer | Readable;
  /** Whether a kept-alive connection that has died may be replaced, once. */
  readonly replacesStale: boolean;
}

/** The part of `HttpService` that makes calls. Types of apps without `@nestjs/axios` do not need it. */
export interface HttpCaller {
  readonly axiosRef: AxiosInstance;
}

/** A response whose headers are there. */
export type HttpResponse = AxiosResponse<Readable>;

/**
 * The HTTP client of one registration. It loads `HttpModule` lazily, so that
 * `app.get(HttpService)` stays the app's own: an interceptor that logs there
 * would see the secret key. Base URL, agents and proxy go with each call.
 */
export class HttpClient {
  readonly #agents = {
    httpAgent: new HttpAgent(AGENT_OPTIONS),
    httpsAgent: new HttpsAgent(AGENT_OPTIONS),
  };
  readonly #loader: LazyModuleLoader;
  readonly #settings: AxiosRequestConfig;
  readonly #tunnel?: TunnelAgent;
  /** How an agent's names of the connections to the API begin. */
  readonly #socketName: string;
  #http?: Promise<HttpCaller>;

  constructor(
    { baseUrl, http: hidden }: Pick<ResolvedOptions, 'baseUrl' | 'http'>,
    loader: LazyModuleLoader,
  ) {
    const http = hidden?.reveal() ?? {};
    this.#loader = loader;
    const { tunnel, proxy } = selectProxy(baseUrl, http, AGENT_OPTIONS);
    this.#tunnel = tunnel;
    this.#settings = {
      baseURL: trimTrailingSlashes(baseUrl),
      httpAgent: http.httpAgent ?? this.#agents.httpAgent,
      httpsAgent: tunnel ?? http.httpsAgent ?? this.#agents.httpsAgent,
      proxy,
    };
    this.#socketName = socketName(new URL(baseUrl));
  }

  /**
   * Loads the packages that make the calls, once.
   *
   * @throws {Error} that says what to install
   */
  load(): Promise<HttpCaller> {
    return (this.#http ??= loadHttpService(this.#loader));
  }

  /**
   * Makes a request and waits for the headers of its response. If a kept-alive
   * connection has died before the response began, the request is made once
   * more, over a new connection.
   *
   * @throws what axios throws: keep nothing of it but its code
   */
  async send(
    { method, url, headers, body, replacesStale }: HttpRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const { axiosRef } = await this.load();
    const { baseURL, httpAgent, httpsAgent, proxy } = this.#settings;
    // Spelled out: object spread is several times as slow, and this runs for every call.
    const config = {
      method,
      url,
      data: body,
      headers,
      signal,
      baseURL,
      httpAgent,
      httpsAgent,
      proxy,
    };
    try {
      return await axiosRef.request<Readable>(config);
    } catch (error) {
      if (signal.aborted || !replacesStale || !isStaleConnection(error)) {
        throw error;
      }
      // The next idle connection may be as dead.
      this.closeIdleConnections();
      return await axiosRef.request<Readable>(config);
    }
  }

  /** Closes the idle connections to the API, and no others: the app may use the agent too. */
  private closeIdleConnections(): void {
    const { httpAgent, httpsAgent } = this.#settings;
    for (const agent of [httpAgent, httpsAgent] as (HttpAgent | undefined)[]) {
      for (const [name, sockets] of Object.entries(agent?.freeSockets ?? {})) {
        if (!name.startsWith(this.#socketName)) continue;
        for (const socket of sockets ?? []) socket.destroy();
      }
    }
  }

  /** Closes the idle connections. */
  close(): void {
    this.#agents.httpAgent.destroy();
    this.#agents.httpsAgent.destroy();
    this.#tunnel?.destroy();
  }
}

/** @throws {Error} that says what to install */
async function loadHttpService(loader: LazyModuleLoader): Promise<HttpCaller> {
  let packages: typeof import('@nestjs/axios');
  try {
    packages = await import(/* webpackMode: "eager" */ '@nestjs/axios');
  } catch (cause) {
    throw new Error(
      'AuthKitModule calls Pica with the packages "@nestjs/axios" and "axios", which could not be loaded: ' +
        'npm install @nestjs/axios@4 axios (on Nest 12: npm install @nestjs/axios@12 axios).',
      { cause },
    );
  }
  const { HttpModule, HttpService } = packages;
  const module = await loader.load(() => HttpModule.register(STATIC_CONFIG), {
    logger: false,
  });
  const http = module.get(HttpService);
  // What axios copies from its global defaults is the app's: an `auth`, or a transform that would see the key.
  const defaults = http.axiosRef.defaults as object as Record<string, unknown>;
  for (const name of Object.keys(defaults)) delete defaults[name];
  Object.assign(defaults, STATIC_CONFIG, { headers: {} });
  // The CommonJS build sees axios' types twice.
  return http as unknown as HttpCaller;
}

/** The beginning of `agent.getName()`, host and port. */
function socketName({ protocol, hostname, port }: URL): string {
  const defaultPort = protocol === 'https:' ? '443' : '80';
  return `${hostname.replace(/^\[|\]$/g, '')}:${port || defaultPort}:`;
}

/** Whether a call has failed because its kept-alive connection was closed before the response began. */
function isStaleConnection(error: unknown): boolean {
  const { code, request } = (error ?? {}) as {
    code?: unknown;
    request?: { reusedSocket?: boolean; res?: unknown };
  };
  return (
    request?.reusedSocket === true &&
    !request.res &&
    (code === 'ECONNRESET' || code === 'EPIPE')
  );
}
