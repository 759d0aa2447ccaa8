import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { AxiosProxyConfig } from 'axios';
import { Is } from './validation.js';

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null;

/** The URL of a proxy; `undefined` if there can be no such proxy. */
export function toProxyUrl(
  proxy: string | URL | AxiosProxyConfig,
): URL | undefined {
  try {
    const isUrl = typeof proxy === 'string' || proxy instanceof URL;
    const url = new URL(
      isUrl
        ? proxy
        : `${(proxy.protocol ?? 'http').replace(/:$/, '')}://${proxy.host}:${proxy.port}`,
    );
    if (!isUrl && proxy.auth) {
      url.username = encodeURIComponent(proxy.auth.username ?? '');
      url.password = encodeURIComponent(proxy.auth.password ?? '');
    }
    // They are sent decoded.
    decodeURIComponent(url.username + url.password);
    return /^https?:$/.test(url.protocol) && url.hostname ? url : undefined;
  } catch {
    return undefined;
  }
}

/** How requests to Pica leave the machine: proxies and private certificate authorities. */
export class AuthKitHttpOptions {
  /**
   * The proxy to use, or `false` for none. `https:` requests go through a tunnel
   * (`CONNECT`) with the TLS options of the `httpsAgent`: the proxy does not see
   * the secret key. **With an `http:` `baseUrl`, the proxy reads the secret key.**
   * @default the proxy that `HTTPS_PROXY` (or `ALL_PROXY`) and `NO_PROXY` name at boot; none for an `http:` `baseUrl`
   */
  @Is(
    'false, or an object of { host, port, protocol?, auth? }, with protocol http or https',
    (value) =>
      value === false ||
      (isObject(value) && toProxyUrl(value as AxiosProxyConfig) !== undefined),
  )
  proxy?: AxiosProxyConfig | false;

  /** The agent for an `http:` `baseUrl`. @default a keep-alive agent of the module's own */
  @Is('an http.Agent', isObject)
  httpAgent?: HttpAgent;

  /**
   * The agent for an `https:` `baseUrl`, e.g. one with a private `ca`. Behind a
   * proxy its options are those of the connections in the tunnel.
   * @default a keep-alive agent of the module's own
   */
  @Is('an https.Agent', isObject)
  httpsAgent?: HttpsAgent;
}
