import type { IncomingMessage, ServerResponse } from 'node:http';

/** A middleware, as Express and Fastify both run it. */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: () => void,
) => void;
