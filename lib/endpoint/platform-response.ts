import type { ServerResponse } from 'node:http';
import type { MemoryBudget } from '../pica/received-bytes.js';

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

const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * Sends JSON as it is. On Express not with `response.send()`, which hashes the
 * whole body for an ETag that nobody may use: the response is `no-store`.
 * API Gateway accepts headers that are strings alone.
 *
 * The bytes count in the budget until they are sent. A client that reads nothing
 * for `timeout` ms is disconnected.
 *
 * @throws {AuthKitException} `rate_limited` if they do not fit into the budget
 */
export function sendJson(
  response: PlatformResponse,
  chunks: readonly Buffer[],
  memory: MemoryBudget,
  timeout: number,
): void {
  const raw = 'raw' in response ? response.raw : response;
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  memory.take(length);
  let unsent = Infinity;
  const timer = setInterval(() => {
    const left = raw.socket?.writableLength ?? 0;
    if (left >= unsent) raw.destroy();
    unsent = left;
  }, timeout);
  const release = () => {
    clearInterval(timer);
    // A pipelined or injected response has one of both events alone.
    raw.off('finish', release);
    raw.off('close', release);
    memory.give(length);
  };
  raw.on('finish', release);
  raw.on('close', release);
  if ('raw' in response) {
    response.code(200).type(JSON_TYPE).send(Buffer.concat(chunks));
    return;
  }
  response.statusCode = 200;
  response.setHeader('Content-Type', JSON_TYPE);
  response.setHeader('Content-Length', String(length));
  // Node sends what is written in one turn of the event loop in one piece.
  for (const chunk of chunks) response.write(chunk);
  response.end();
}
