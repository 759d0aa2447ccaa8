import type { Server } from 'node:http';
import type { MiddlewareConsumer, Type } from '@nestjs/common';
import { AuthKitCorsController } from './authkit.controller.js';
import type { AuthKitControllers } from './create-controllers.js';
import type { Middleware } from './middleware.js';
import { servedPaths } from './served-paths.js';
import {
  settleCors,
  settleCorsOf,
  withoutCors,
  type SetHeaders,
} from './settle-cors.js';
import { answerPreflights, widgetHeaders } from './widget-cors.js';

/**
 * Puts in front of the controllers what has to be there before their guards: the
 * headers that errors carry too, and the answer to preflights.
 *
 * @param server the app's HTTP server, where it has one
 */
export function applyRouteMiddleware(
  consumer: MiddlewareConsumer,
  { token, grant }: AuthKitControllers,
  origins: readonly string[],
  server: Server | undefined,
): void {
  const put = (
    controller: Type,
    setHeaders?: SetHeaders,
    answer: Middleware = (_request, _response, next) => next(),
  ) => {
    // One for all: each middleware of Nest's costs a layer of the router.
    const middleware: Middleware = (request, response, next) => {
      // What is answered is for one identity: nobody on the way may store it.
      response.setHeader('Cache-Control', 'no-store');
      if (setHeaders) settleCors(request, response, setHeaders);
      answer(request, response, next);
    };
    consumer.apply(middleware).forRoutes(controller);
    if (server && setHeaders) {
      settleCorsOf(server, servedPaths(consumer, controller), setHeaders);
    }
  };

  if (token.prototype instanceof AuthKitCorsController) {
    put(token, widgetHeaders(origins), answerPreflights(origins));
  } else put(token);
  // Only pages of the same origin get grants, and they need no CORS.
  if (grant) put(grant, withoutCors);
}
