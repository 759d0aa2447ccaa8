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
import { widgetCors, widgetHeaders } from './widget-cors.js';

/** A token is made for one identity: nobody on the way may store it. */
const noStore: Middleware = (_request, response, next) => {
  response.setHeader('Cache-Control', 'no-store');
  next();
};

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
  const settle = (controller: Type, setHeaders: SetHeaders) => {
    const settled: Middleware = (request, response, next) => {
      settleCors(request, response, setHeaders);
      next();
    };
    consumer.apply(settled).forRoutes(controller);
    if (server) {
      settleCorsOf(server, servedPaths(consumer, controller), setHeaders);
    }
  };

  consumer.apply(noStore).forRoutes(token);
  if (token.prototype instanceof AuthKitCorsController) {
    settle(token, widgetHeaders(origins));
    consumer.apply(widgetCors(origins)).forRoutes(token);
  }
  if (grant) {
    consumer.apply(noStore).forRoutes(grant);
    // Only pages of the same origin get grants, and they need no CORS.
    settle(grant, withoutCors);
  }
}
