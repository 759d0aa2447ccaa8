import type { ServerResponse } from 'node:http';

/** The part of Fastify's reply that the routes use. */
export interface FastifyReply {
  readonly raw: ServerResponse;
  code(status: number): FastifyReply;
  type(contentType: string): FastifyReply;
  send(payload: Buffer): unknown;
}

/** The response of a platform: Node's own on Express, a wrapper on Fastify. */
export type PlatformResponse = ServerResponse | FastifyReply;

/**
 * Returns a signal that aborts when the client closes the connection, or has a
 * response from elsewhere. (The request's `close` event and Fastify's
 * `request.signal` fire after every POST whose body was read.)
 */
export function abortOnClose(response: PlatformResponse): AbortSignal {
  const controller = new AbortController();
  const raw = 'raw' in response ? response.raw : response;
  // The event also comes after a response. There is nothing left to abort then.
  const abort = () => controller.abort();
  if (raw.destroyed) abort();
  else raw.once('close', abort);
  return controller.signal;
}
