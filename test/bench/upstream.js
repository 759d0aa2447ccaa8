// Pica in a process of its own: told what to be by messages, tells how often it was called.
import { PicaEmulator } from 'nestjs-pica-authkit/testing';

const pica = await PicaEmulator.start({ secretKey: process.argv[2] });
let calls = 0;
// The log of requests is for short tests.
setInterval(() => (calls += pica.requests.splice(0).length), 50);

process.on('message', ({ latency, integrations, faults, count }) => {
  if (latency !== undefined) pica.latency = latency;
  if (integrations !== undefined) pica.integrations = integrations;
  if (faults !== undefined) {
    pica.clearFaults();
    if (faults) {
      pica.fault({ when: () => Math.random() < 0.01, reset: true });
      pica.fault({ when: () => Math.random() < 0.01, status: 503 });
    }
  }
  if (count) {
    calls += pica.requests.splice(0).length;
    process.send({ calls });
    calls = 0;
  } else process.send({});
});
process.send({ url: pica.url });
