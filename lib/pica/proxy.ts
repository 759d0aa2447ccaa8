import { Agent, type AgentOptions, type RequestOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AxiosProxyConfig } from 'axios';
import { HttpsProxyAgent } from 'hpagent';
import { getProxyForUrl } from 'proxy-from-env';
import {
  toProxyUrl,
  type AuthKitHttpOptions,
} from '../options/http.options.js';
import { isLoopback } from '../options/origins.js';

/** The maximum time in ms until a proxy has opened a tunnel. */
const CONNECT_TIMEOUT_MS = 5_000;

/** Sends `https:` requests through tunnels of a proxy (`CONNECT`), which stay open. The proxy sees host, port and ciphertext. */
export class TunnelAgent extends HttpsProxyAgent {
  constructor(proxy: URL, options: AgentOptions) {
    const { protocol, port, username, password } = proxy;
    // A URL writes IPv6 addresses in brackets, `http.request()` does not.
    const hostname = proxy.hostname.replace(/^\[|\]$/g, '');
    const settings = { protocol, hostname, port, username, password } as URL;
    const ca = options.ca as string[] | undefined;
    super({ ...options, proxy: settings, proxyRequestOptions: { ca } });
  }

  /** Opens a tunnel. Its errors have codes: `PROXY_STATUS_407`, `PROXY_TIMEOUT`, `PROXY_ECONNREFUSED`. */
  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const timer = setTimeout(() => finish('TIMEOUT'), CONNECT_TIMEOUT_MS);
    let finish = (failure: string | undefined, socket?: Duplex) => {
      finish = (_, late) => void late?.destroy();
      clearTimeout(timer);
      const error = new Error('The proxy has not opened a tunnel');
      if (failure) Object.assign(error, { code: `PROXY_${failure}` });
      callback?.(failure ? error : null, socket as Duplex);
    };
    const limited = { ...options, timeout: CONNECT_TIMEOUT_MS };
    super.createConnection(limited, (error, socket) => {
      if (!error) (socket as Socket).setTimeout(0);
      finish(error ? reasonOf(error) : undefined, socket);
    });
  }
}

/** What `hpagent` 1.2 says of a failed tunnel, as a part of a code. */
function reasonOf({ message, code }: Error & { code?: unknown }): string {
  const status = /^Bad response: (\d{3})$/.exec(message)?.[1];
  if (status) return `STATUS_${status}`;
  if (message === 'Proxy timeout') return 'TIMEOUT';
  return typeof code === 'string' ? code : 'ERROR';
}

/** Decides whether the requests of a registration go through a proxy: that of the options, or of the environment. */
export function selectProxy(
  baseUrl: string,
  { proxy, httpsAgent }: AuthKitHttpOptions,
  agentOptions: AgentOptions,
): { tunnel?: TunnelAgent; proxy: AxiosProxyConfig | false | undefined } {
  const url = new URL(baseUrl);
  // `http:` with a proxy of the options, or an agent that may have a proxy of its own: axios decides.
  if (url.protocol === 'http:') return { proxy: proxy ?? false };
  if (httpsAgent && !isDirect(httpsAgent)) return { proxy };
  const proxyUrl =
    proxy === undefined ? proxyOfEnvironment(url) : proxy && toProxyUrl(proxy);
  if (!proxyUrl) return { proxy: false };
  const options = { ...agentOptions, ...httpsAgent?.options };
  return { tunnel: new TunnelAgent(proxyUrl, options), proxy: false };
}

/** Whether an agent connects directly, so that a tunnel can take its options. */
function isDirect(agent: Agent & { options: { proxyEnv?: unknown } }): boolean {
  return (
    agent.createConnection === Agent.prototype.createConnection &&
    !agent.options.proxyEnv
  );
}

/** @throws {Error} if the environment names a proxy that cannot be used */
function proxyOfEnvironment(url: URL): URL | undefined {
  // A server on this machine is behind no proxy.
  const found = isLoopback(url.hostname) ? '' : getProxyForUrl(url.href);
  const proxyUrl = found ? toProxyUrl(found) : undefined;
  if (proxyUrl || !found) return proxyUrl;
  // Not the value: it may hold a password.
  throw new Error(
    'AuthKitModule: the environment names a proxy that cannot be used (HTTPS_PROXY or ALL_PROXY); ' +
      'expected http://host:port or https://host:port, with user and password percent-encoded. ' +
      'If the API needs no proxy, add its host to NO_PROXY, or pass http: { proxy: false }.',
  );
}
