// Pica in a process of its own: messages set how it behaves, and it counts calls and bytes.
import { subscribe } from 'node:diagnostics_channel';
import { PicaEmulator } from 'nestjs-pica-authkit/testing';

const pica = await PicaEmulator.start({ secretKey: process.argv[2] });
// The log of requests is for short tests.
setInterval(() => pica.requests.splice(0), 50);

let calls = 0;
let bytes = 0;
const written = new WeakMap();
subscribe('http.server.request.start', () => (calls += 1));
subscribe('http.server.response.finish', ({ socket }) => {
  bytes += socket.bytesWritten - (written.get(socket) ?? 0);
  written.set(socket, socket.bytesWritten);
});

const chance = () => Math.random() < 0.01;

process.on('message', ({ latency, integrations, faults }) => {
  if (latency !== undefined) pica.latency = latency;
  if (integrations !== undefined) pica.integrations = integrations;
  if (faults !== undefined) pica.clearFaults();
  if (faults) {
    pica.fault({ when: chance, reset: true });
    pica.fault({ when: chance, status: 503 });
  }
  process.send({ calls, bytes });
  calls = 0;
  bytes = 0;
});
process.once('disconnect', () => process.exit());
process.send({ url: pica.url });
