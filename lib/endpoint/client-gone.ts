import type { ServerResponse } from 'node:http';
import type { FastifyReply } from './send-token.js';

/** The response of a platform: Node's own on Express, one around it on Fastify. */
export type PlatformResponse = ServerResponse | FastifyReply;

/** Node's own response. */
export function rawResponse(response: PlatformResponse): ServerResponse {
  return 'raw' in response ? response.raw : response;
}

/**
 * Aborts when the client goes away, or has its answer from somewhere else. (The request's
 * `close` and Fastify's `request.signal` say so of every POST that was read.)
 */
export function clientGone(response: PlatformResponse): AbortSignal {
  const gone = new AbortController();
  const raw = rawResponse(response);
  // It also comes after an answer, ours or another's: there is nothing left to do then.
  const close = () => gone.abort();
  if (raw.destroyed) close();
  else raw.once('close', close);
  return gone.signal;
}
