// What is measured. Rounds are interleaved: what slows the machine down for a while slows down all endpoints.
import { FETCH, OFFICIAL } from './endpoints.js';
import { load, one } from './load.js';
import { start } from './processes.js';

/** Rows of a usual project: their token is what costs, faults and memory are measured with. */
export const USUAL = 247;
/** ms of one call to Pica, where round trips are measured. */
export const LATENCY = 50;

const SECRET = 'sk_test_bench';

/** Loads end after so many `tokens` or `seconds`: `limits`. */
export class Bench {
  /** The names of the endpoints whose costs are measured. */
  #costed;
  /** Those whose latency is measured in a warm process. */
  #warm;
  /** Those that are exposed to faults and long loads. */
  #routes;
  #modules;
  #endpoints;
  #upstream;
  #servers = {};
  /** The length of a usual token in bytes, by endpoint. */
  #lengths = {};

  /** @param modules the names of this module, and of the copy that is compared */
  constructor(endpoints, modules) {
    this.#endpoints = endpoints;
    this.#modules = modules;
    const names = Object.keys(endpoints);
    this.#costed = names;
    this.#warm = this.#costed.filter((name) => !endpoints[name].costsOnly);
    this.#routes = this.#warm.filter(
      (name) => endpoints[name].kind !== 'relay',
    );
  }

  /** Starts every endpoint in a process of its own, and compiles its code by a load. */
  async start(limits) {
    this.#upstream = await start('upstream.js', [SECRET]);
    await this.#upstream.ask({ integrations: USUAL });
    const keys = [
      ...Object.keys(this.#endpoints).map((name) => [name, name]),
      ...this.#modules.map((name) => [restarted(name), name]),
    ];
    while (keys.length > 0) {
      const next = keys.splice(0, 3);
      await Promise.all(
        next.map(([key, name]) => this.#warmUp(key, name, limits)),
      );
    }
  }

  /** How long one token takes, alone, in ms: in a warm process, and right after the app has started in one. */
  async latency(integrations, rounds) {
    await this.#offer(integrations, 20);
    await this.#upstream.ask({ latency: LATENCY });
    const later = seriesOf(this.#warm);
    const first = seriesOf(this.#modules);
    for (let round = 0; round < rounds; round += 1) {
      for (const name of this.#warm) {
        const { url } = await this.#servers[name].ask();
        later[name].push((await one(url, integrations)).took);
      }
      for (const name of this.#modules) {
        const { url } = await this.#servers[restarted(name)].ask({
          restart: true,
        });
        first[name].push((await one(url, integrations)).took);
      }
    }
    return { later, first };
  }

  /** How long the first token of a new process takes, in ms. */
  async newProcess(integrations, rounds) {
    await this.#upstream.ask({ latency: LATENCY, integrations });
    const names = [OFFICIAL, FETCH, ...this.#modules];
    const took = seriesOf(names);
    for (let round = 0; round < rounds; round += 1) {
      for (const name of names) {
        const server = await this.#startServer(name);
        const { url } = await server.ask();
        took[name].push((await one(url, integrations)).took);
        server.stop();
      }
    }
    return took;
  }

  /** What a usual token costs: CPU of the server in ms, calls to Pica, bytes from Pica, tokens per second. */
  async costs(rounds, warmUp, limits) {
    await this.#offer(USUAL, 5);
    const costs = {};
    for (const name of this.#costed) {
      costs[name] = { cpu: [], calls: [], bytes: [], rate: [] };
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const name of this.#costed) {
        const options = { clients: 32, length: this.#lengths[name] };
        const { url } = await this.#servers[name].ask();
        // It has waited for its turn, and the upstream has served others.
        await load(url, { ...options, ...warmUp });
        const before = await this.#servers[name].ask();
        await this.#upstream.ask();
        const outcome = await load(url, { ...options, ...limits });
        const after = await this.#servers[name].ask();
        const { calls, bytes } = await this.#upstream.ask();
        const { failures, taken } = outcome;
        if (failures > 0) {
          throw new Error(`${name}: ${failures} failures without a fault`);
        }
        const spent = cpuOf(after) - cpuOf(before);
        const tokens = taken.length;
        costs[name].cpu.push(spent / 1_000 / tokens);
        costs[name].calls.push(calls / tokens);
        costs[name].bytes.push(bytes / tokens);
        costs[name].rate.push(tokens / outcome.seconds);
      }
    }
    return costs;
  }

  /** The heap after a garbage collection, in bytes: now, and after a load. */
  async memory(limits) {
    await this.#offer(USUAL, 5);
    const memory = {};
    for (const name of this.#routes) {
      const server = this.#servers[name];
      const { url, memory: before } = await server.ask({ collect: true });
      const length = this.#lengths[name];
      const options = { clients: 16, ...limits, length };
      const { taken } = await load(url, options);
      const { memory: after } = await server.ask({ collect: true });
      memory[name] = { before, after, tokens: taken.length };
    }
    return memory;
  }

  /** What clients see of 1 % resets and 1 % 503: how long a token took in ms, where a failure took for ever. */
  async faults(latency, rounds, limits) {
    await this.#offer(USUAL, 5);
    await this.#upstream.ask({ latency, faults: true });
    const faults = {};
    for (const name of this.#routes) faults[name] = { taken: [], failures: 0 };
    for (let round = 0; round < rounds; round += 1) {
      for (const name of this.#routes) {
        const { url } = await this.#servers[name].ask();
        const { taken, failures } = await load(url, {
          clients: 8,
          ...limits,
          length: this.#lengths[name],
        });
        faults[name].taken.push(...taken);
        faults[name].failures += failures;
      }
    }
    await this.#upstream.ask({ faults: false });
    return faults;
  }

  /** Sets what Pica offers, and lets every server notice it, one token after another. */
  async #offer(integrations, tokens) {
    await this.#upstream.ask({ latency: 0, integrations });
    for (const server of Object.values(this.#servers)) {
      const { url } = await server.ask();
      for (let count = 0; count < tokens; count += 1) {
        await one(url, integrations);
      }
    }
  }

  async #warmUp(key, name, limits) {
    const server = await this.#startServer(name);
    this.#servers[key] = server;
    const { url } = await server.ask();
    const { length } = await one(url, USUAL);
    this.#lengths[key] = length;
    await load(url, { clients: 16, ...limits, length });
  }

  #startServer(name) {
    const endpoint = this.#endpoints[name];
    const { url } = this.#upstream.hello;
    return start('server.js', [JSON.stringify(endpoint), url, SECRET]);
  }
}

function seriesOf(names) {
  return Object.fromEntries(names.map((name) => [name, []]));
}

/** The key of the server whose app is started again for every token. */
function restarted(name) {
  return `${name}, restarted`;
}

/** µs */
function cpuOf({ cpu }) {
  return cpu.user + cpu.system;
}
