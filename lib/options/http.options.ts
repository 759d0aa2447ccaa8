import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { AxiosProxyConfig } from 'axios';
import { IsOptional } from 'class-validator';
import { Is } from './validation.js';

const isAgent = (value: unknown): boolean =>
  typeof value === 'object' && value !== null;

/** The URL of a proxy; `undefined` where there can be no such proxy. */
export function toProxyUrl(
  proxy: string | URL | AxiosProxyConfig,
): URL | undefined {
  try {
    const url = new URL(
      typeof proxy === 'string' || proxy instanceof URL
        ? proxy
        : `${(proxy.protocol ?? 'http').replace(/:$/, '')}://${proxy.host}:${proxy.port}`,
    );
    if ('auth' in proxyFields(proxy)) {
      const { username = '', password = '' } = proxyFields(proxy).auth ?? {};
      url.username = encodeURIComponent(username);
      url.password = encodeURIComponent(password);
    }
    // They are sent decoded.
    decodeURIComponent(url.username + url.password);
    return /^https?:$/.test(url.protocol) && url.hostname ? url : undefined;
  } catch {
    return undefined;
  }
}

function proxyFields(
  proxy: string | URL | AxiosProxyConfig,
): Partial<AxiosProxyConfig> {
  return typeof proxy === 'string' ? {} : (proxy as AxiosProxyConfig);
}

/** How requests to Pica leave the machine: proxies and private certificate authorities. */
export class AuthKitHttpOptions {
  /**
   * The proxy to use, or `false` for none. `https:` requests go through a tunnel
   * (`CONNECT`) that stays open for further requests, with the TLS options of
   * the `httpsAgent`: the proxy does not see the secret key. **With an `http:`
   * `baseUrl`, the proxy of this option reads the secret key.**
   * @default the proxy that `HTTPS_PROXY` (or `ALL_PROXY`) and `NO_PROXY` name at boot; none for an `http:` `baseUrl`
   */
  @IsOptional()
  @Is(
    'false, or an object of { host, port, protocol?, auth? }, whose protocol is http or https',
    (value) =>
      value === false ||
      (typeof value === 'object' &&
        value !== null &&
        toProxyUrl(value as AxiosProxyConfig) !== undefined),
    () => 'another value',
  )
  proxy?: AxiosProxyConfig | false;

  /**
   * The agent for an `http:` `baseUrl`.
   * @default a keep-alive agent of the module's own
   */
  @IsOptional()
  @Is('an http.Agent', isAgent)
  httpAgent?: HttpAgent;

  /**
   * The agent for an `https:` `baseUrl`, e.g. one with a private `ca`. Behind a
   * proxy its options are those of the connections in the tunnel. An agent of
   * another class than `https.Agent` is passed to axios, which treats proxies in
   * its own way.
   * @default a keep-alive agent of the module's own
   */
  @IsOptional()
  @Is('an https.Agent', isAgent)
  httpsAgent?: HttpsAgent;
}
