import type { IncomingMessage } from 'node:http';
import cors, { type CorsOptions } from 'cors';
import type { Middleware } from './middleware.js';
import type { SetHeaders } from './settle-cors.js';

/** Seconds for which a browser may keep the answer to a preflight. */
const MAX_AGE = 600;

/** Who may call the token endpoint from a browser: the listed origins may POST with any header; none is told `*`, none may send cookies. */
const policyFor = (origins: readonly string[]): CorsOptions => ({
  origin: [...origins],
  methods: ['POST'],
  maxAge: MAX_AGE,
});

/** Answers the browser's question whether it may call the token endpoint. */
export function answerPreflights(origins: readonly string[]): Middleware {
  const answer: Middleware = cors(policyFor(origins));
  return (request, response, next) =>
    isPreflight(request) ? answer(request, response, next) : next();
}

/** The headers that tell the browser who may read a response, whoever makes it. */
export function widgetHeaders(origins: readonly string[]): SetHeaders {
  const setHeaders: Middleware = cors({
    ...policyFor(origins),
    preflightContinue: true,
  });
  return (request, response) => {
    setHeaders(request, response, () => {});
    if (isPreflight(request)) {
      // The app's CORS may have refused it; whether to go on is told by the headers alone.
      response.statusCode = 204;
      response.removeHeader('Content-Type');
      response.removeHeader('Content-Length');
    }
  };
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    headers['access-control-request-method'] !== undefined
  );
}
