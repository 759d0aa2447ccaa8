import type { ServerResponse } from 'node:http';
import type { AuthKitToken } from '../pica/types.js';

/** What the route uses of Fastify's reply. */
export interface FastifyReply {
  readonly raw: ServerResponse;
  code(status: number): FastifyReply;
  type(contentType: string): FastifyReply;
  send(payload: string): unknown;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * Answers with a token, as it is. On Express not by `response.json()`, which
 * hashes the whole body for an ETag that nobody may use: the answer is `no-store`.
 */
export function sendToken(
  response: ServerResponse | FastifyReply,
  token: AuthKitToken,
): void {
  const body = JSON.stringify(token);
  if ('raw' in response) {
    response.code(200).type(JSON_TYPE).send(body);
  } else {
    response.statusCode = 200;
    response.setHeader('Content-Type', JSON_TYPE);
    response.end(body);
  }
}
