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
 * Runs what makes a response, with a signal that aborts when the client closes
 * the connection, or has a response from elsewhere. (The request's `close` event
 * and Fastify's `request.signal` fire after every POST whose body was read.)
 */
export async function abortOnClose<T>(
  response: PlatformResponse,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const raw = 'raw' in response ? response.raw : response;
  const abort = () => controller.abort();
  if (raw.destroyed) abort();
  else raw.once('close', abort);
  try {
    return await run(controller.signal);
  } finally {
    // The event also comes after our own response, and to abort is not cheap.
    raw.off('close', abort);
  }
}
