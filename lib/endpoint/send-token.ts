import type { ServerResponse } from 'node:http';

/** What the route uses of Fastify's reply. */
export interface FastifyReply {
  readonly raw: ServerResponse;
  code(status: number): FastifyReply;
  type(contentType: string): FastifyReply;
  send(payload: Buffer): unknown;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * Answers with a token in JSON, as it is. On Express not by `response.send()`, which
 * hashes the whole body for an ETag that nobody may use: the answer is `no-store`.
 */
export function sendToken(
  response: ServerResponse | FastifyReply,
  token: Buffer,
): void {
  if ('raw' in response) {
    response.code(200).type(JSON_TYPE).send(token);
  } else {
    response.statusCode = 200;
    response.setHeader('Content-Type', JSON_TYPE);
    response.setHeader('Content-Length', token.length);
    response.end(token);
  }
}
