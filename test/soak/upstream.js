// An emulator that fails at random, in a process of its own.
import { PicaEmulator } from 'nestjs-pica-authkit/testing';

const [secretKey, integrations] = process.argv.slice(2);

let tokens = 0;
const pica = await PicaEmulator.start({
  secretKey,
  integrations: Number(integrations),
  latency: 5,
  // The identity that a token is for, so that mixed-up tokens show.
  requestId: ({ body }) => `${body.identity}/${(tokens += 1)}`,
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

// The emulator records requests without limit.
setInterval(() => pica.requests.splice(0), 100);
process.send({ url: pica.url });
