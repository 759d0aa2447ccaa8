import type { ServerResponse } from 'node:http';
import type { FastifyReply } from './send-token.js';

/** The response of a platform: Node's own on Express, one around it on Fastify. */
export type PlatformResponse = ServerResponse | FastifyReply;

/** Node's own response. */
export function rawResponse(response: PlatformResponse): ServerResponse {
  return 'raw' in response ? response.raw : response;
}

/**
 * Aborts when the client goes away before it has its answer. (The request's
 * `close` and Fastify's `request.signal` say so of every POST that was read.)
 */
export function clientGone(response: PlatformResponse): AbortSignal {
  const gone = new AbortController();
  const raw = rawResponse(response);
  const close = () => {
    if (!raw.writableEnded) gone.abort();
  };
  if (raw.destroyed) close();
  else raw.once('close', close);
  return gone.signal;
}
