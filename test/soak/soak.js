// Loads the token endpoint with hundreds of clients, of which some disconnect,
// while the upstream fails at random. Fails when a response is lost, wrong or
// has the secret key in it, and prints how the heap grows. `npm run soak [seconds]`
import 'reflect-metadata';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AuthKitModule } from 'nestjs-pica-authkit';

const SECONDS = Number(process.argv[2] ?? 120);
const CLIENTS = 300;
const SECRET = 'sk_test_soak';
const ROWS = 247;

if (!Number.isInteger(SECONDS) || SECONDS < 1 || SECONDS > 3600) {
  console.error(
    `soak: given ${process.argv[2]}; expected whole seconds from 1 to 3600`,
  );
  process.exit(2);
}

const upstream = fork(new URL('./upstream.js', import.meta.url), [
  SECRET,
  String(ROWS),
]);
const [{ url }] = await once(upstream, 'message');

const platforms = { express: ExpressAdapter, fastify: FastifyAdapter };
for (const [name, Adapter] of Object.entries(platforms)) {
  await soak(name, new Adapter());
}
upstream.kill();

async function soak(name, adapter) {
  const app = await NestFactory.create(createAppModule(), adapter, {
    logger: false,
  });
  await app.listen(0, '127.0.0.1');
  const base = await app.getUrl();
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const counts = {
    tokens: 0,
    failed: 0,
    disconnected: 0,
    wrong: 0,
    leaked: 0,
    lost: 0,
  };
  const reasons = {};

  const client = async (id, end) => {
    for (let n = 0; performance.now() < end; n += 1) {
      const user = `user-${id}-${n}`;
      const disconnects = Math.random() < 0.1;
      const response = await requestToken(base, agent, user, disconnects);
      if (response === 'disconnected') {
        counts.disconnected += 1;
        continue;
      }
      if (response === 'lost') {
        counts.lost += 1;
        continue;
      }
      if (response.text.includes(SECRET)) counts.leaked += 1;
      const body = JSON.parse(response.text);
      if (response.status === 200) {
        counts.tokens += 1;
        const isOfUser = String(body.requestId).startsWith(`${user}/`);
        if (!isOfUser || body.rows.length !== ROWS) counts.wrong += 1;
      } else {
        counts.failed += 1;
        reasons[body.reason] = (reasons[body.reason] ?? 0) + 1;
        if (typeof body.message !== 'string' || response.status < 500)
          counts.wrong += 1;
      }
    }
  };
  const run = async (clients, seconds) => {
    const end = performance.now() + seconds * 1000;
    await Promise.all(
      Array.from({ length: clients }, (_, id) => client(id, end)),
    );
  };

  console.log(`\n${name}: ${CLIENTS} clients for ${SECONDS / 2} s`);
  await run(CLIENTS, Math.min(5, SECONDS / 4)); // warm-up
  const start = measure('start');
  await run(CLIENTS, SECONDS / 2);
  agent.destroy();
  await new Promise((resolve) => setTimeout(resolve, 6_000)); // idle sockets time out
  const end = measure('end');
  console.log('responses', counts, 'failures by reason', reasons);

  await app.close();
  const faults = counts.wrong + counts.leaked + counts.lost;
  const grown = end.heapMB - start.heapMB;
  console.log(
    faults === 0
      ? 'no response is lost, wrong or has the key in it'
      : `${faults} BAD RESPONSES`,
    `; heap ${grown >= 0 ? '+' : ''}${grown.toFixed(1)} MB`,
  );
  if (faults > 0) process.exitCode = 1;
}

function createAppModule() {
  class SignInGuard {
    canActivate(context) {
      const request = context.switchToHttp().getRequest();
      request.user = {
        id: request.headers.authorization?.slice('Bearer '.length),
      };
      return true;
    }
  }
  class AppModule {}
  Module({
    imports: [
      AuthKitModule.forRoot({
        secretKey: SECRET,
        baseUrl: url,
        timeout: 3_000,
        attemptTimeout: 1_000,
        controller: { guards: [new SignInGuard()] },
      }),
    ],
  })(AppModule);
  return AppModule;
}

function requestToken(base, agent, user, disconnects) {
  return new Promise((resolve) => {
    const sent = request(
      `${base}/authkit-token`,
      {
        agent,
        method: 'POST',
        headers: {
          authorization: `Bearer ${user}`,
          'content-type': 'application/json',
        },
      },
      (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode,
            text: Buffer.concat(chunks).toString(),
          }),
        );
        response.on('error', () =>
          resolve(disconnects ? 'disconnected' : 'lost'),
        );
      },
    );
    sent.on('error', () => resolve(disconnects ? 'disconnected' : 'lost'));
    sent.end('{}');
    if (disconnects) setTimeout(() => sent.destroy(), Math.random() * 100);
  });
}

function measure(when) {
  global.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) {
    resources[name] = (resources[name] ?? 0) + 1;
  }
  const figures = { heapMB: heapUsed / 2 ** 20, rssMB: rss / 2 ** 20 };
  console.log(
    when.padEnd(6),
    Object.entries(figures)
      .map(([key, value]) => `${key} ${value.toFixed(1)}`)
      .join(', '),
    resources,
  );
  return figures;
}
