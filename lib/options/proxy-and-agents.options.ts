import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { AxiosProxyConfig } from 'axios';
import { IsOptional } from 'class-validator';
import { Satisfies, type OptionsInput } from './validation.js';

const isAgent = (value: unknown): boolean =>
  typeof value === 'object' && value !== null;

/** How requests to Pica leave the machine: proxies and private certificate authorities. */
export class HttpOptions {
  /**
   * The proxy to use, or `false` for none.
   * @default the proxy of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, as axios reads them; `false` for a `baseUrl` on this machine
   */
  @IsOptional()
  @Satisfies(
    'false, or an object of { host, port, protocol?, auth? }',
    (value) => value === false || (typeof value === 'object' && value !== null),
    () => 'another value',
  )
  proxy?: AxiosProxyConfig | false;

  /**
   * The agent for an `http:` `baseUrl`.
   * @default a keep-alive agent of the module's own
   */
  @IsOptional()
  @Satisfies('an http.Agent', isAgent)
  httpAgent?: HttpAgent;

  /**
   * The agent for an `https:` `baseUrl`, e.g. one with a private `ca`.
   * @default a keep-alive agent of the module's own
   */
  @IsOptional()
  @Satisfies('an https.Agent', isAgent)
  httpsAgent?: HttpsAgent;
}

/** How requests to Pica leave the machine: proxies and private certificate authorities. axios takes these settings. */
export interface AuthKitHttpOptions extends OptionsInput<HttpOptions> {}
