import { inspect } from 'node:util';
import { AuthKitConnectionsService } from '../../lib/index.js';
import type { EmulatorFault } from '../../lib/testing/index.js';
import { createApp } from '../support/app.js';
import {
  collect,
  useConnections,
  VENDOR_NAMES,
} from '../support/connections.js';
import { captureOutput, mockBackoff } from '../support/mocks.js';

describe.each(VENDOR_NAMES)('connections of %s', (vendor) => {
  const { pica } = useConnections(vendor);
  it('shows neither the secret key, an identity nor a key, in logs of any level, errors and inspected services', async () => {
    const owner = { identity: 'ada-private', identityType: 'team' } as const;
    const mine = pica.connect(owner, 'gmail', { key: 'key-private' });
    pica.connect(owner, 'gmail', { name: 'name-public' });
    const output = captureOutput();
    const app = await createApp({
      pica,
      options: { retries: 1, attemptTimeout: 100, timeout: 400 },
      logs: ['debug', 'error', 'fatal', 'log', 'verbose', 'warn'],
    });
    const service = app.get(AuthKitConnectionsService);
    mockBackoff(0);
    const texts: string[] = [];
    const faults: (EmulatorFault | undefined)[] = [
      undefined,
      { status: 401 },
      { status: 503 },
      { status: 404 },
      { status: 429, headers: { 'retry-after': '60' } },
      { reset: true },
      { hang: true },
      { malformed: true },
      { status: 200, body: { message: `${pica.secretKey} key-private` } },
      {
        status: 500,
        headers: { 'x-one-correlation-id': pica.secretKey },
      },
    ];
    for (const fault of faults) {
      pica.clearFaults();
      if (fault) pica.fault(fault);
      const signal = AbortSignal.timeout(600);
      for (const result of [
        service.list(owner, { key: 'key-private' }),
        collect(service.all(owner, { signal })),
        service.get(owner, mine.id),
        service.findByKey(owner, 'key-private'),
        service.resolve(owner),
        service.update(owner, mine.id, { name: 'x' }),
        service.replace(owner, mine.id, 'key-private'),
        service.delete(owner, 'absent-1'),
      ]) {
        await result.catch((error: Error) => {
          texts.push(
            inspect(error, { depth: 20, showHidden: true }),
            String(error.stack),
            JSON.stringify(error),
          );
        });
      }
    }
    texts.push(inspect(service, { depth: 20, showHidden: true }), output());
    expect(output()).toMatch(/connections\.get\(\) failed/);
    expect(output()).toMatch(/GET \/v1\/vault\/connections\/:id, attempt 1/);
    for (const text of texts) {
      expect(text).not.toContain(pica.secretKey);
      expect(text).not.toMatch(/ada-private|key-private/);
    }
    for (const { url, headers } of [{ url: pica.url, headers: {} }]) {
      expect([url, headers]).toBeDefined();
    }
  });
});
