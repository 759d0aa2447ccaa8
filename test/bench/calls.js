// Calls to platforms, beside bare ones in the same process: `npm run bench:calls`.
import 'reflect-metadata';
import { Agent } from 'node:http';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import axios from 'axios';
import { AuthKitModule, AuthKitPassthroughService } from 'nestjs-pica-authkit';
import { start, stopAll } from './processes.js';
import { median, quantile, ratio } from './statistics.js';

const LATENCY = 50;
const MEGABYTES = 200;
const MB = 2 ** 20;
const GMAIL = { platform: 'gmail' };
const ADA = { identity: 'ada', tenant: 'ada' };
const chunk = Buffer.alloc(64 * 1024, 'x');

const { hello } = await start('calls-upstream.js', []);
const { url } = hello;

class App {}
Module({
  imports: [
    AuthKitModule.forRoot({
      secretKey: ({ tenant }) => `sk_test_0123456789_${tenant}`,
      baseUrl: url,
    }),
  ],
})(App);
const app = await NestFactory.createApplicationContext(App, { logger: false });
const service = app.get(AuthKitPassthroughService, { strict: false });

const timed = async (run) => {
  const started = performance.now();
  await run();
  return performance.now() - started;
};
const headers = { 'x-pica-secret': 'sk', 'x-pica-connection-key': 'k' };
const path = (name) => `${url}/v1/passthrough/${name}`;
const call = async (name, owner = ADA) =>
  (await service.fetch(owner, GMAIL, name)).text();
const bareFetch = async (name) => (await fetch(path(name), { headers })).text();
const httpAgent = new Agent({ keepAlive: true, maxSockets: 256 });
const bareAxios = async (name) => {
  const { data } = await axios.request({
    url: path(name),
    headers,
    httpAgent,
    responseType: 'stream',
    maxRedirects: 0,
    validateStatus: null,
  });
  let text = '';
  for await (const part of data) text += part;
  return text;
};

/** A round trip of a call whose connection and action are known. */
async function measureLatency() {
  const [ours, bare] = [[], []];
  await Promise.all([call('later'), bareFetch('later')]);
  for (let round = 0; round < 41; round += 1) {
    ours.push(await timed(() => call('later')));
    bare.push(await timed(() => bareFetch('later')));
  }
  return [
    `| p50 at ${LATENCY} ms, in round trips | ${(median(ours) / LATENCY).toFixed(2)} | fetch: ${(median(bare) / LATENCY).toFixed(2)} | ${ratio(ours, bare).toFixed(2)}× | 1.05 trips |`,
  ];
}

/** CPU of this process, user and system, for calls of which 20 are in flight. */
async function measureCpu() {
  const load = async (one, count) => {
    const before = process.cpuUsage();
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        for (let made = 0; made < count / 20; made += 1) await one('now');
      }),
    );
    const { user, system } = process.cpuUsage(before);
    return (user + system) / count;
  };
  const kinds = [call, bareAxios, bareFetch];
  const rounds = kinds.map(() => []);
  for (const one of kinds) await load(one, 4_000);
  for (let round = 0; round < 9; round += 1) {
    for (const [index, one] of kinds.entries()) {
      rounds[index].push(await load(one, 1_000));
    }
  }
  const [ours, viaAxios, viaFetch] = rounds;
  const us = (values) => `${median(values).toFixed(0)} µs`;
  return [
    `| CPU of a call | ${us(ours)} | axios stream: ${us(viaAxios)} | ${ratio(ours, viaAxios).toFixed(2)}× | 1.5× |`,
    `| | ${us(ours)} | fetch: ${us(viaFetch)} | ${ratio(ours, viaFetch).toFixed(2)}× | |`,
  ];
}

async function* upload() {
  for (let sent = 0; sent < MEGABYTES * MB; sent += chunk.length) yield chunk;
}

/** Throughput, and the growth of the heap, buffers outside of it included. */
async function measureBodies() {
  const read = async ({ body }) => {
    let size = 0;
    for await (const part of body) size += part.length;
    return size;
  };
  const down = `down?mb=${MEGABYTES}`;
  const query = { mb: MEGABYTES };
  const post = () => ({ method: 'POST', body: ReadableStream.from(upload()) });
  const transfers = {
    down: [
      async () => read(await service.fetch(ADA, GMAIL, 'down', { query })),
      async () => read(await fetch(path(down), { headers })),
    ],
    up: [
      async () => {
        const init = { ...post(), timeout: 120_000 };
        return (await (await service.fetch(ADA, GMAIL, 'up', init)).json())
          .size;
      },
      async () => {
        const init = { ...post(), headers, duplex: 'half' };
        return (await (await fetch(path('up'), init)).json()).size;
      },
    ],
  };
  const lines = [];
  for (const [name, kinds] of Object.entries(transfers)) {
    const speeds = [[], []];
    const growths = [[], []];
    for (let round = 0; round < 3; round += 1) {
      for (const [index, transfer] of kinds.entries()) {
        globalThis.gc?.();
        const used = () => {
          const { heapUsed, arrayBuffers } = process.memoryUsage();
          return [heapUsed, heapUsed + arrayBuffers];
        };
        const before = used();
        let most = before;
        const timer = setInterval(() => {
          most = used().map((value, at) => Math.max(value, most[at]));
        }, 20);
        const ms = await timed(async () => {
          const size = await transfer();
          if (size !== MEGABYTES * MB) throw new Error(`${name}: ${size}`);
        });
        clearInterval(timer);
        speeds[index].push(MEGABYTES / (ms / 1_000));
        growths[index].push(most.map((value, at) => (value - before[at]) / MB));
      }
    }
    const grown = (index, at) =>
      `${median(growths[index].map((growth) => growth[at])).toFixed(1)} MB`;
    const [ours, bare] = speeds;
    lines.push(
      `| ${MEGABYTES} MB ${name} | ${median(ours).toFixed(0)} MB/s | fetch: ${median(bare).toFixed(0)} MB/s | ${ratio(ours, bare).toFixed(2)}× | at least 0.8× |`,
      `| growth of the heap; with buffers | ${grown(0, 0)}; ${grown(0, 1)} | fetch: ${grown(1, 0)}; ${grown(1, 1)} | | 30 MB |`,
    );
  }
  return lines;
}

/** 1,000 calls at the same time of 50 tenants, with and without one that hangs. */
async function measureTenants() {
  const round = async (hasHanging) => {
    const times = [];
    const abort = new AbortController();
    const calls = Array.from({ length: 1_000 }, async (_, index) => {
      const tenant = `tenant${index % 50}`;
      const hangs = index % 50 === 0 && hasHanging;
      const owner = { identity: hangs ? 'hangs' : tenant, tenant };
      if (hangs) {
        const init = { signal: abort.signal };
        await service.fetch(owner, GMAIL, 'later', init).catch(() => {});
      } else times.push(await timed(() => call('later', owner)));
    });
    const others = calls.filter((_, index) => index % 50 !== 0 || !hasHanging);
    await Promise.all(others);
    abort.abort();
    await Promise.all(calls);
    return quantile(times, 0.95);
  };
  const [quiet, hanging] = [[], []];
  for (let warmUp = 0; warmUp < 3; warmUp += 1) await round(warmUp % 2 === 0);
  for (let count = 0; count < 9; count += 1) {
    quiet.push(await round(false));
    hanging.push(await round(true));
  }
  return [
    `| p95 of the others, one of 50 tenants hangs | ${median(hanging).toFixed(0)} ms | none hangs: ${median(quiet).toFixed(0)} ms | ${ratio(hanging, quiet).toFixed(2)}× | 1.3× |`,
  ];
}

try {
  console.log('| measure | this module | beside it | ratio | aim |');
  console.log('| --- | --- | --- | --- | --- |');
  for (const measure of [
    measureLatency,
    measureCpu,
    measureBodies,
    measureTenants,
  ]) {
    for (const line of await measure()) console.log(line);
  }
} finally {
  await app.close();
  stopAll();
}
