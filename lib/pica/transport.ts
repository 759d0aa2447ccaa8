import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import { HttpService } from '@nestjs/axios';
import {
  create as createAxios,
  type AxiosResponse,
  type CreateAxiosDefaults,
  type GenericAbortSignal,
} from 'axios';
import type { AuthKitHttpOptions } from '../options/proxy-and-agents.options.js';
import { trimTrailingSlashes } from '../options/trim-slashes.js';
import { BodyTooLargeError, MAX_BODY_BYTES } from './received-bytes.js';
import { selectProxy, type TunnelAgent } from './tunnel-agent.js';

/** The maximum number of connections to Pica, of all requests together. */
const MAX_SOCKETS = 256;

/** ms of silence before TCP probes a connection: what axios sets for every call, at a system call each where the agent's own value differs. */
const TCP_KEEP_ALIVE_MS = 60_000;

/** Keep-alive agents: without them every call pays for a TLS handshake. */
const AGENT_OPTIONS = {
  keepAlive: true,
  keepAliveMsecs: TCP_KEEP_ALIVE_MS,
  maxSockets: MAX_SOCKETS,
};

const CONFIG = {
  adapter: 'http',
  // A redirect would carry the secret header to wherever it points.
  maxRedirects: 0,
  allowAbsoluteUrls: false,
  maxBodyLength: MAX_BODY_BYTES,
  // We judge statuses and bodies, not axios: an AxiosError holds the request's headers.
  validateStatus: () => true,
  // We read the body, so that bytes are counted as they arrive.
  responseType: 'stream',
  transformRequest: [
    (body: unknown) => (body === undefined ? body : JSON.stringify(body)),
  ],
  transformResponse: [(body: unknown) => body],
} satisfies CreateAxiosDefaults;

/** One HTTP call. */
export interface HttpCall {
  readonly method: string;
  readonly url: string;
  readonly body?: object;
  readonly headers: Record<string, string>;
  readonly signal: GenericAbortSignal;
  /** How often a connection that has died before the response began may still be replaced. */
  readonly stale: { retries: number };
  /** Called with the number of bytes that have arrived, decompressed. Its error fails the call. */
  readonly onBytes: (bytes: number) => void;
}

/** A response whose body is read. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: AxiosResponse['headers'];
  readonly data: Buffer;
}

/**
 * The HTTP client of one registration. It is no provider of Nest's: a provider
 * can be found (`app.get(HttpService)`) and replaced (`overrideProvider`), and
 * whoever has it reads the secret key by an interceptor.
 */
export class Transport {
  readonly #http = new HttpService(createIsolatedAxios());
  readonly #agents = createAgents();
  readonly #tunnel?: TunnelAgent;
  readonly #baseUrl: string;
  /** How an agent's names of the connections to the API begin. */
  readonly #socketName: string;
  readonly #settings: AuthKitHttpOptions;

  constructor(baseUrl: string, http: AuthKitHttpOptions = {}) {
    this.#baseUrl = trimTrailingSlashes(baseUrl);
    this.#socketName = socketName(new URL(this.#baseUrl));
    const { tunnel, proxy } = selectProxy(this.#baseUrl, http, AGENT_OPTIONS);
    this.#tunnel = tunnel;
    this.#settings = {
      httpAgent: http.httpAgent ?? this.#agents.httpAgent,
      httpsAgent: tunnel ?? http.httpsAgent ?? this.#agents.httpsAgent,
      proxy,
    };
  }

  /**
   * Makes a call. If a kept-alive connection has died before the response
   * began, the call is made once more, over a new connection.
   *
   * @throws whatever axios throws: keep nothing of it but its code
   */
  async send(call: HttpCall): Promise<HttpResponse> {
    let response: AxiosResponse<Readable>;
    try {
      response = await this.request(call);
    } catch (error) {
      const isFree = call.stale.retries > 0 && isStaleConnection(error);
      if (call.signal.aborted || !isFree) throw error;
      call.stale.retries -= 1;
      // The next idle connection may be as dead.
      this.closeIdleConnections();
      response = await this.request(call);
    }
    const { status, headers } = response;
    return { status, headers, data: await readBody(response.data, call) };
  }

  private request({
    method,
    url,
    body,
    headers,
    signal,
  }: HttpCall): Promise<AxiosResponse<Readable>> {
    const { httpAgent, httpsAgent, proxy } = this.#settings;
    // Spelled out: object spread is several times as slow, and this runs for every call.
    return this.#http.axiosRef.request<Readable>({
      method,
      url,
      data: body,
      baseURL: this.#baseUrl,
      headers,
      httpAgent,
      httpsAgent,
      proxy,
      signal,
    });
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

/** @throws {BodyTooLargeError} beyond {@link MAX_BODY_BYTES}, or whatever `onBytes` throws */
function readBody(body: Readable, { onBytes }: HttpCall): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    body.on('data', (chunk: Buffer) => {
      size += chunk.length;
      try {
        if (size > MAX_BODY_BYTES) throw new BodyTooLargeError();
        onBytes(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        reject(error);
        body.destroy();
      }
    });
    body.once('end', () => {
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    // An aborted body emits an error, then closes. A destroyed one only closes.
    body.on('error', reject);
    body.once('close', () => reject(new Error('closed')));
  });
}

/**
 * Creates an axios instance without what axios copies from its global defaults:
 * an `Authorization` or an `auth` that the app sets for calls of its own is not
 * for Pica, and no transform of the app's sees the secret key.
 */
function createIsolatedAxios(): HttpService['axiosRef'] {
  const instance = createAxios(CONFIG);
  const defaults = instance.defaults as object as Record<string, unknown>;
  for (const name of Object.keys(defaults)) delete defaults[name];
  Object.assign(defaults, CONFIG, { headers: {} });
  // The CommonJS build sees axios' types twice.
  return instance as HttpService['axiosRef'];
}

function createAgents() {
  return {
    httpAgent: new HttpAgent(AGENT_OPTIONS),
    httpsAgent: new HttpsAgent(AGENT_OPTIONS),
  };
}
