import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import {
  HttpModule,
  type HttpModuleOptions,
  type HttpService,
} from '@nestjs/axios';

/** Decompressed. No page of 150 integrations comes near: more is not an answer of Pica's. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** The same for all pages of a token. */
export const MAX_TOKEN_BYTES = 32 * 1024 * 1024;

/** Connections to Pica at the same time, of all tokens together. */
const MAX_SOCKETS = 256;

/**
 * The HTTP client of this package alone. The bare `HttpModule` hands out the
 * global axios, whose interceptors (the app's loggers, say) would see the secret.
 */
const config = {
  adapter: 'http',
  // A redirect would carry the secret header to wherever it points.
  maxRedirects: 0,
  allowAbsoluteUrls: false,
  maxContentLength: MAX_BODY_BYTES,
  maxBodyLength: MAX_BODY_BYTES,
  // Statuses and bodies are judged by us, not by axios: an AxiosError holds the request's headers.
  validateStatus: () => true,
  responseType: 'arraybuffer',
  transformRequest: [
    (body: unknown) => (body === undefined ? body : JSON.stringify(body)),
  ],
  transformResponse: [(body: unknown) => body],
} satisfies HttpModuleOptions;

export const PicaHttpModule = HttpModule.register(config);

/**
 * Takes out of the client what axios has copied into it from the global
 * defaults: an `Authorization`, say, or an `auth`, that the app sets for calls
 * of its own is not for Pica, and no transform of the app's sees the secret.
 */
export function forgetGlobalDefaults({ axiosRef }: HttpService): void {
  const defaults = axiosRef.defaults as object as Record<string, unknown>;
  for (const name of Object.keys(defaults)) delete defaults[name];
  Object.assign(defaults, config, { headers: {} });
}

/** ms of silence before TCP asks whether the other side is there: what axios sets for every call, at a system call each where the agent's own differs. */
const TCP_KEEP_ALIVE = 60_000;

/** Keep-alive agents, so that tokens do not pay for a TLS handshake each. */
export function createAgents() {
  const options = {
    keepAlive: true,
    keepAliveMsecs: TCP_KEEP_ALIVE,
    maxSockets: MAX_SOCKETS,
  };
  return {
    httpAgent: new HttpAgent(options),
    httpsAgent: new HttpsAgent(options),
  };
}
