import { Agent, request } from 'node:http';

/** ms that one token takes, alone. */
export async function one(url) {
  const agent = new Agent();
  const { took, status } = await ask(url, agent, 'user-0');
  agent.destroy();
  if (status !== 200) throw new Error(`${url} answered ${status}`);
  return took;
}

/** So many tokens by so many clients: how long each took, and how many clients got none. */
export async function load(url, { clients, tokens }) {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const taken = [];
  let left = tokens;
  let failures = 0;
  const started = performance.now();
  const client = async (id) => {
    while (left > 0) {
      left -= 1;
      const { took, isToken } = await ask(url, agent, `user-${id}`);
      taken.push(took);
      if (!isToken) failures += 1;
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, id) => client(id)));
  agent.destroy();
  return { taken, failures, seconds: (performance.now() - started) / 1000 };
}

function ask(url, agent, user) {
  const started = performance.now();
  return new Promise((resolve) => {
    const done = (status, body) =>
      resolve({
        status,
        took: performance.now() - started,
        // Without parsing it, which would cost the load more than the server.
        isToken: status === 200 && body.length > 10_000,
      });
    const call = request(
      url,
      {
        agent,
        method: 'POST',
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
        response.on('error', () => done(0, ''));
      },
    );
    call.on('error', () => done(0, ''));
    call.end('{}');
  });
}
