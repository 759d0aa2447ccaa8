// A Pica that fails at random, in a process of its own.
import { PicaEmulator } from 'nestjs-pica-authkit/testing';

const [secretKey, integrations] = process.argv.slice(2);

let calls = 0;
const pica = await PicaEmulator.start({
  secretKey,
  integrations: Number(integrations),
  latency: 5,
  // Tells in every token for whom it was made.
  requestId: ({ body }) => `${body.identity}/${(calls += 1)}`,
});

const chance = (probability) => () => Math.random() < probability;
pica.fault({ when: chance(0.02), status: 503 });
pica.fault({ when: chance(0.02), reset: true });
pica.fault({
  when: chance(0.01),
  status: 429,
  headers: { 'retry-after': '0' },
});
pica.fault({ when: chance(0.005), hang: true });
pica.fault({ when: chance(0.005), malformed: true });
pica.fault({ when: chance(0.005), cutOff: true });
pica.fault({ when: chance(0.05), delay: 200 });

// The log of requests is for short tests.
setInterval(() => pica.requests.splice(0), 100);
process.send({ url: pica.url });
