// One of the endpoints under measure, in a process of its own: `server.js KIND UPSTREAM SECRET`.
import 'reflect-metadata';
import { createServer } from 'node:http';
import { Controller, HttpCode, Module, Post, Req } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthKitToken } from '@picahq/authkit-token';
import { AuthKitModule } from 'nestjs-pica-authkit';
import { relay } from './relay.js';

const [kind, upstream, secretKey] = process.argv.slice(2);

// The official package prints whole errors, which is not what is measured.
console.warn = console.error = () => {};

function signIn(request) {
  return { id: request.headers.authorization?.slice('Bearer '.length) };
}

/** Our module, as its README shows it. */
function ours(options = {}) {
  class SignIn {
    canActivate(context) {
      const request = context.switchToHttp().getRequest();
      request.user = signIn(request);
      return true;
    }
  }
  class App {}
  Module({
    imports: [
      AuthKitModule.forRoot({
        secretKey,
        baseUrl: upstream,
        ...options,
        controller: { guards: [new SignIn()] },
      }),
    ],
  })(App);
  return App;
}

/** The route as the vendor's docs show it, in Nest, with CORS as people add it. */
function official() {
  class TokenController {
    token(request) {
      const authKitToken = new AuthKitToken(secretKey, { baseUrl: upstream });
      return authKitToken.create({
        identity: signIn(request).id,
        identityType: 'user',
      });
    }
  }
  const method = Object.getOwnPropertyDescriptor(
    TokenController.prototype,
    'token',
  );
  Post()(TokenController.prototype, 'token', method);
  HttpCode(200)(TokenController.prototype, 'token', method);
  Req()(TokenController.prototype, 'token', 0);
  Controller('authkit-token')(TokenController);
  class App {}
  Module({ controllers: [TokenController] })(App);
  return App;
}

async function startNest(App, cors) {
  const app = await NestFactory.create(App, { logger: false });
  if (cors) app.enableCors();
  await app.listen(0, '127.0.0.1');
  return { port: app.getHttpServer().address().port, close: () => app.close() };
}

const KINDS = {
  ours: () => startNest(ours()),
  'ours, no hint': () => startNest(ours({ pageHint: false })),
  'ours, cached': () =>
    startNest(
      ours({ cache: { store: 'memory', flags: true, integrations: true } }),
    ),
  official: () => startNest(official(), true),
  relay: async () => {
    const server = createServer(relay({ upstream, secretKey }));
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    return { port: server.address().port, close: () => server.close() };
  },
};

let running = await KINDS[kind]();
process.on('message', async ({ restart, measure }) => {
  if (restart) {
    await running.close();
    running = await KINDS[kind]();
  }
  if (measure) global.gc?.();
  process.send({
    url: `http://127.0.0.1:${running.port}/authkit-token`,
    cpu: process.cpuUsage(),
    memory: process.memoryUsage(),
  });
});
process.send({});
process.once('SIGINT', () => process.exit());
