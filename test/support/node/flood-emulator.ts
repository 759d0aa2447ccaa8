/** Sends 200 bodies of 1 MB to an emulator, and prints how the emulator has responded. */
import { PicaEmulator } from '../../../lib/testing/index.js';

const [key] = process.argv.slice(2);
const pica = await PicaEmulator.start();
const body = JSON.stringify({ note: 'x'.repeat(1024 * 1024 - 100) });
const headers = {
  'content-type': 'application/json',
  'x-pica-secret': key === 'right' ? pica.secretKey : 'sk_test_wrong',
};
const statuses = new Set<number>();
for (let sent = 0; sent < 200; sent += 10) {
  const calls = Array.from({ length: 10 }, async () => {
    const url = `${pica.url}/v1/authkit?limit=1`;
    const response = await fetch(url, { method: 'POST', headers, body });
    await response.arrayBuffer();
    statuses.add(response.status);
  });
  await Promise.all(calls);
}
const kept = pica.requests.filter((each) => each.body !== undefined);
console.log(
  JSON.stringify({
    statuses: [...statuses],
    requests: pica.requests.length,
    lastIsKept: kept.includes(pica.requests.at(-1)!),
  }),
);
await pica.stop();
