// How long the connections of an owner take: `npm run build && node test/bench/connections.js`.
// At 50 ms for each call to Pica, in round trips.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthKitConnectionsService, AuthKitModule } from 'nestjs-pica-authkit';
import { PicaEmulator } from 'nestjs-pica-authkit/testing';

const LATENCY = 50;
const ROUNDS = 21;
const ADA = { identity: 'ada' };

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

for (const vendor of ['pica', 'one']) {
  const pica = await PicaEmulator.start({ vendor });
  class App {}
  Module({
    imports: [
      AuthKitModule.forRoot({
        secretKey: pica.secretKey,
        baseUrl: pica.url,
        vendor,
      }),
    ],
  })(App);
  const app = await NestFactory.createApplicationContext(App, {
    logger: false,
  });
  const connections = app.get(AuthKitConnectionsService, { strict: false });

  for (let count = 0; count < 5; count += 1) pica.connect('ada', 'gmail');
  pica.connect('bob', 'gmail');
  pica.latency = LATENCY;
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = performance.now();
    await connections.list(ADA);
    times.push(performance.now() - started);
  }
  console.log(
    `${vendor}: list of 5 connections: ${(median(times) / LATENCY).toFixed(2)} round trips`,
  );

  pica.reset();
  for (let count = 0; count < 1_000; count += 1) pica.connect('ada', 'gmail');
  pica.connect('bob', 'gmail');
  pica.latency = LATENCY;
  const started = performance.now();
  const deleted = await connections.deleteAll(ADA);
  const seconds = (performance.now() - started) / 1_000;
  console.log(
    `${vendor}: deleteAll of ${deleted} connections: ${seconds.toFixed(1)} s, ${pica.requests.length} calls, ${pica.connections.length} left of another owner`,
  );
  await app.close();
  await pica.stop();
}
