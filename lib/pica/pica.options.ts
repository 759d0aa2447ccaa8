import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { AxiosProxyConfig } from 'axios';
import type { VendorProfile } from './vendors.js';

/** How the calls to Pica leave the machine, for company proxies and private CAs; handed to axios. */
export interface AuthKitHttpOptions {
  /** The proxy to use, or `false` for none. Default: axios' own, which reads `HTTPS_PROXY` and friends; none for a `baseUrl` on this machine. */
  proxy?: AxiosProxyConfig | false;
  /** The agent for an `http:` `baseUrl`. Default: a keep-alive agent of our own. */
  httpAgent?: HttpAgent;
  /** The agent for an `https:` `baseUrl`, e.g. one with a private `ca`. Default: a keep-alive agent of our own. */
  httpsAgent?: HttpsAgent;
}

/** The options that the client needs, validated and complete. @internal */
export interface PicaOptions {
  readonly vendor: VendorProfile;
  /** Without a trailing slash. */
  readonly baseUrl: string;
  /** ms for one call. */
  readonly attemptTimeout: number;
  /** Further attempts per call. */
  readonly retries: number;
  /** A function, so that no inspected object shows the agents: their sockets hold the headers of calls. */
  readonly http: () => AuthKitHttpOptions;
}
