import type { IncomingMessage } from 'node:http';
import cors from 'cors';
import type { Middleware } from './middleware.js';
import type { SetHeaders } from './settle-cors.js';

/** Seconds for which a browser may keep the answer to a preflight. */
const MAX_AGE = 600;

/**
 * Answers the browser's CORS questions for the token endpoint: the listed
 * origins may POST with any header; none is told `*`, none may send cookies.
 */
export function widgetCors(
  origins: readonly string[],
  { preflightContinue = false } = {},
): Middleware {
  return cors({
    origin: [...origins],
    methods: ['POST'],
    maxAge: MAX_AGE,
    preflightContinue,
  });
}

/** The headers of {@link widgetCors}, for a response that somebody else makes. */
export function widgetHeaders(origins: readonly string[]): SetHeaders {
  const setHeaders = widgetCors(origins, { preflightContinue: true });

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
