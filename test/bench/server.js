// One of the endpoints under measure, in a process of its own: `server.js ENDPOINT UPSTREAM SECRET`.
import 'reflect-metadata';
import { createServer } from 'node:http';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { relay } from './relay.js';
import { fetchRoute, officialRoute, signedIn } from './routes.js';

const [endpoint, upstream, secretKey] = process.argv.slice(2);
const { kind, library, ...settings } = JSON.parse(endpoint);

// The official package prints whole errors, which is not what is measured.
console.warn = console.error = () => {};

/** The module, as its README shows it. */
async function startModule() {
  const { AuthKitModule } = await import(library);
  class SignIn {
    canActivate(context) {
      const request = context.switchToHttp().getRequest();
      request.user = signedIn(request);
      return true;
    }
  }
  class App {}
  Module({
    imports: [
      AuthKitModule.forRoot({
        secretKey,
        baseUrl: upstream,
        ...(settings.cache && { cache: settings.cache }),
        controller: { guards: [new SignIn()] },
      }),
    ],
  })(App);
  return startNest(App);
}

async function startNest(App, cors = false) {
  const app = await NestFactory.create(App, {
    logger: false,
    abortOnError: false,
  });
  // As people add it to a route of their own.
  if (cors) app.enableCors();
  await app.listen(0, '127.0.0.1');
  return { port: app.getHttpServer().address().port, close: () => app.close() };
}

const KINDS = {
  module: startModule,
  official: () => startNest(officialRoute({ upstream, secretKey }), true),
  fetch: () => startNest(fetchRoute({ upstream, secretKey }), true),
  relay: async () => {
    const server = createServer(relay({ upstream, secretKey, ...settings }));
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    return { port: server.address().port, close: () => server.close() };
  },
};

let running = await KINDS[kind]();
process.on('message', async ({ restart, collect }) => {
  if (restart) {
    await running.close();
    running = await KINDS[kind]();
  }
  if (collect) global.gc();
  process.send({
    url: `http://127.0.0.1:${running.port}/authkit-token`,
    cpu: process.cpuUsage(),
    memory: process.memoryUsage(),
  });
});
process.once('disconnect', () => process.exit());
process.send({});
