import { Agent, request } from 'node:http';

/** After so long without a byte a client gives up. */
const TIMEOUT_MS = 15_000;

/**
 * One token by a client of its own.
 *
 * @returns how long it took in ms, and its length in bytes
 * @throws {Error} where it is not a token of so many integrations
 */
export async function one(url, integrations) {
  const agent = new Agent();
  const { took, status, body } = await ask(url, agent, 'user-0');
  agent.destroy();
  const rows = status === 200 ? JSON.parse(body).rows?.length : undefined;
  if (rows !== integrations) {
    throw new Error(
      `${url} returned ${status} with ${rows} rows; expected ${integrations}`,
    );
  }
  return { took, length: body.length };
}

/**
 * Tokens by so many clients, until `seconds` or `tokens` are reached.
 *
 * @param length the length of a token in bytes: what is shorter is a failure
 * @returns how long each token took in ms, where a failure took for ever; the number of failures; the time of all in s
 */
export async function load(
  url,
  { clients, seconds, tokens = Infinity, length },
) {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const taken = [];
  let asked = 0;
  let failures = 0;
  const started = performance.now();
  const end = started + seconds * 1_000;
  const client = async (id) => {
    while (asked < tokens && performance.now() < end) {
      asked += 1;
      const { took, status, body } = await ask(url, agent, `user-${id}`);
      // The length, since parsing costs the load more than the server. Ids differ in length.
      const isToken = status === 200 && body.length > length - 100;
      if (!isToken) failures += 1;
      taken.push(isToken ? took : Infinity);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, id) => client(id)));
  agent.destroy();
  return { taken, failures, seconds: (performance.now() - started) / 1_000 };
}

function ask(url, agent, user) {
  const started = performance.now();
  return new Promise((resolve) => {
    const done = (status, body) =>
      resolve({ status, body, took: performance.now() - started });
    const fail = () => done(0, '');
    const call = request(
      url,
      {
        agent,
        method: 'POST',
        timeout: TIMEOUT_MS,
        headers: {
          authorization: `Bearer ${user}`,
          'content-type': 'application/json',
          'content-length': 2,
        },
      },
      (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () =>
          done(response.statusCode, Buffer.concat(chunks)),
        );
        response.on('error', fail);
      },
    );
    call.on('timeout', () => call.destroy());
    call.on('error', fail);
    call.end('{}');
  });
}
