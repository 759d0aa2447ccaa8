import {
  Agent as HttpsAgent,
  type AgentOptions,
  type RequestOptions,
} from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Logger } from '@nestjs/common';
import type { AxiosProxyConfig } from 'axios';
import { HttpsProxyAgent } from 'hpagent';
import { getProxyForUrl } from 'proxy-from-env';
import { AUTHKIT_LOG_CONTEXT } from '../authkit.constants.js';
import { isLoopback } from '../options/module.options.js';
import {
  toProxyUrl,
  type AuthKitHttpOptions,
} from '../options/proxy-and-agents.options.js';

/** The maximum time in ms until a proxy has opened a tunnel. */
const CONNECT_TIMEOUT_MS = 5_000;

/** The beginning of the code of an error that the proxy has caused. */
export const PROXY_ERROR = 'PROXY_';

/**
 * Sends `https:` requests through tunnels of a proxy (`CONNECT`), and keeps the
 * tunnels alive. The proxy sees host and port of the API, and ciphertext.
 */
export class TunnelAgent extends HttpsProxyAgent {
  /** @param options for the connections inside the tunnels, such as `ca` */
  constructor(proxy: URL, options: AgentOptions) {
    const { protocol, hostname, port, username, password } = proxy;
    super({
      ...options,
      // A URL writes IPv6 addresses in brackets, `http.request()` does not.
      proxy: {
        ...{ protocol, port, username, password },
        hostname: hostname.replace(/^\[|\]$/g, ''),
      } as URL,
      proxyRequestOptions: { ca: options.ca as string[] | undefined },
    });
  }

  /**
   * Opens a tunnel. Its errors have a code that begins with {@link PROXY_ERROR}:
   * `PROXY_STATUS_407`, `PROXY_TIMEOUT`, `PROXY_ECONNREFUSED`.
   */
  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    let isOver = false;
    const finish = (error: Error | null, socket?: Duplex) => {
      if (isOver) return void socket?.destroy();
      isOver = true;
      clearTimeout(timer);
      callback?.(error, socket as Duplex);
    };
    const timer = setTimeout(
      () => finish(proxyError('TIMEOUT')),
      CONNECT_TIMEOUT_MS,
    );
    // A proxy that stays silent is disconnected.
    const limited = { ...options, timeout: CONNECT_TIMEOUT_MS };
    super.createConnection(limited, (error, socket) => {
      if (error) return finish(proxyError(reasonOf(error)));
      (socket as Socket).setTimeout(0);
      finish(null, socket);
    });
  }
}

/** What `hpagent` says of a failed tunnel, as a part of a code. */
function reasonOf(error: Error & { code?: unknown }): string {
  const status = /^Bad response: (\d{3})$/.exec(error.message)?.[1];
  if (status) return `STATUS_${status}`;
  if (error.message === 'Proxy timeout') return 'TIMEOUT';
  return typeof error.code === 'string' ? error.code : 'ERROR';
}

function proxyError(reason: string): Error {
  const error = new Error('The proxy has not opened a tunnel');
  return Object.assign(error, { code: `${PROXY_ERROR}${reason}` });
}

/** How requests leave the machine. */
export interface ProxySettings {
  /** Tunnels through the proxy. */
  readonly tunnel?: TunnelAgent;
  /** The setting of axios. */
  readonly proxy: AxiosProxyConfig | false | undefined;
}

/**
 * Decides once for a registration whether its requests go through a proxy: that
 * of the options, or that of the environment.
 *
 * @param agentOptions of the tunnels, where the agent of the app sets no others
 * @throws {Error} where the environment names a proxy that cannot be used
 */
export function selectProxy(
  baseUrl: string,
  { proxy, httpsAgent }: AuthKitHttpOptions,
  agentOptions: AgentOptions,
): ProxySettings {
  const url = new URL(baseUrl);
  // An agent with connections of its own may have a proxy of its own: axios knows some.
  if (url.protocol === 'https:' && httpsAgent && !isPlainAgent(httpsAgent)) {
    return { proxy };
  }
  if (url.protocol === 'http:' && proxy) return { proxy };
  const proxyUrl =
    proxy === undefined ? proxyOfEnvironment(url) : proxy && toProxyUrl(proxy);
  if (!proxyUrl) return { proxy: false };
  if (url.protocol === 'http:') {
    new Logger(AUTHKIT_LOG_CONTEXT).warn(
      'The proxy of the environment (HTTP_PROXY) is not used, because baseUrl is an http: URL: the proxy would read the secret key. ' +
        'Use an https: baseUrl. If the proxy may read the key, pass http: { proxy }; otherwise add the host to NO_PROXY.',
    );
    return { proxy: false };
  }
  const options = { ...agentOptions, ...httpsAgent?.options };
  return { tunnel: new TunnelAgent(proxyUrl, options), proxy: false };
}

/** Whether an agent is Node's own and connects directly, so that a tunnel can take its options. */
function isPlainAgent(agent: HttpsAgent): boolean {
  return (
    Object.getPrototypeOf(agent) === HttpsAgent.prototype &&
    !Object.hasOwn(agent, 'createConnection') &&
    !(agent.options as { proxyEnv?: unknown }).proxyEnv
  );
}

/** The proxy of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`. A server on this machine is behind none. */
function proxyOfEnvironment(url: URL): URL | undefined {
  if (isLoopback(url.hostname)) return undefined;
  const found = getProxyForUrl(url.href);
  if (!found) return undefined;
  const proxyUrl = toProxyUrl(found);
  if (proxyUrl) return proxyUrl;
  // Not the value: it may hold a password.
  throw new Error(
    'AuthKitModule: the environment names a proxy that cannot be used (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY); ' +
      'expected http://host:port or https://host:port, with user and password percent-encoded. ' +
      'If the API needs no proxy, add its host to NO_PROXY, or pass http: { proxy: false }.',
  );
}
